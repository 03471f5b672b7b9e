// What a reader sees of one publication. It takes the position before it looks a key up, so that no answer is older than it
// says; it waits for nobody but a writer in the middle of a change, and writes nothing.

import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import type { Instant } from "../../core/clock.ts";
import type { Judgement } from "../judge.ts";
import { createFingerprints, type Fingerprints } from "../replica/fingerprint.ts";
import { judgeBy } from "../replica/judging.ts";
import { idOf, watermarkOf } from "../replica/record.ts";
import { ABSENT, shardIndex } from "../replica/table.ts";
import type { ReplicaView } from "../replica/view.ts";
import type { RevocationSubject } from "../subject.ts";
import type { Replaced, Sighting } from "./publication.ts";
import { ShardSight } from "./shard.ts";
import { StateSight } from "./state.ts";

/** A change takes a fraction of a microsecond; one that lasts so many looks has lost its core to another thread. */
const LOOKS_BEFORE_SLEEP = 100;
const SLEEP_MS = 1;

/** `port`: the other end of the one that was shown. */
export function createSight(sighting: Sighting, port: MessagePort): Sight {
  return new SharedSight(sighting, port);
}

export interface Sight extends ReplicaView {
  /** Nobody will look here any more. */
  end(): void;
}

/** Between two looks at `words`, the first of which found `seen`. */
export function waitForWriter(words: Int32Array, seen: number, tries: number): void {
  if (tries >= LOOKS_BEFORE_SLEEP) Atomics.wait(words, 0, seen, SLEEP_MS);
}

class SharedSight implements Sight {
  readonly #fingerprints: Fingerprints;
  readonly #port: MessagePort;
  readonly #state: StateSight;
  readonly #shards: ShardSight[];

  constructor({ salt, state, shards }: Sighting, port: MessagePort) {
    this.#fingerprints = createFingerprints(salt);
    this.#shards = shards.map((memory) => new ShardSight(memory));
    this.#state = new StateSight(state, waitForWriter);
    this.#port = port;
    // While nobody looks: tables that were replaced must not be kept.
    port.on("message", (replaced: Replaced) => this.#replace(replaced));
    port.unref();
  }

  end(): void {
    this.#port.close();
  }

  get position(): Instant | undefined {
    return this.#state.read().position;
  }

  get changedAt(): Instant {
    return this.#state.read().changedAt;
  }

  judge(subject: RevocationSubject): Judgement {
    return judgeBy(this, this.#fingerprints, this.#state.read().storeNowS, subject);
  }

  /** As MarkerTable has it. */
  issuedBeforeS(words: Int32Array, offset: number, nowS: number): number {
    const index = shardIndex(words, offset);
    for (let tries = 0; ; tries += 1) {
      const shard = this.#shards[index] as ShardSight;
      const version = Atomics.load(shard.version, 0);
      if ((version & 1) === 0) {
        const place = shard.place(words, offset);
        const expiry = place === -1 ? 0 : shard.expiry(place);
        const watermark = place === -1 ? 0 : shard.watermark(place);
        if (Atomics.load(shard.version, 0) === version) {
          return place === -1 || (expiry !== 0 && expiry <= nowS) ? ABSENT : watermarkOf(watermark);
        }
      }
      this.#lookAgain(shard, version, tries);
    }
  }

  /** As MarkerTable has it. */
  revocationId(words: Int32Array, offset: number): string | undefined {
    const index = shardIndex(words, offset);
    for (let tries = 0; ; tries += 1) {
      const shard = this.#shards[index] as ShardSight;
      const version = Atomics.load(shard.version, 0);
      if ((version & 1) === 0) {
        const place = shard.place(words, offset);
        const id = place === -1 ? undefined : shard.id(place);
        if (Atomics.load(shard.version, 0) === version) return id === undefined ? undefined : idOf(id, 0);
      }
      this.#lookAgain(shard, version, tries);
    }
  }

  /** A table whose version stays odd was replaced, and where the new one lies was posted before. */
  #lookAgain(shard: ShardSight, version: number, tries: number): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      this.#replace((next as { readonly message: Replaced }).message);
    }
    waitForWriter(shard.version, version, tries);
  }

  #replace({ index, memory }: Replaced): void {
    this.#shards[index] = new ShardSight(memory);
  }
}
