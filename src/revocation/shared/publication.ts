// What a replica knows, in memory that other threads read. Its writer is the thread it is made in; each reader is told
// by a port of its own where a small table lies that took another's place, before that one is closed for reading.

import type { MessagePort } from "node:worker_threads";
import { createFingerprints, type Fingerprints } from "../replica/fingerprint.ts";
import { Knowledge } from "../replica/knowledge.ts";
import type { Published } from "../replica/published.ts";
import type { Shard } from "../replica/shard.ts";
import { MarkerTable } from "../replica/table.ts";
import { SharedShard } from "./shard.ts";
import { SharedState } from "./state.ts";

/** What a reader begins with, besides its end of the port. It can be posted to another thread. */
export interface Sighting {
  /** Of the keys' fingerprints. */
  readonly salt: string;
  readonly state: SharedArrayBuffer;
  readonly shards: readonly ArrayBufferLike[];
}

/** Posted to a reader: the `index`th small table is here from now on. */
export interface Replaced {
  readonly index: number;
  readonly memory: ArrayBufferLike;
}

export class Publication {
  readonly #ports = new Set<MessagePort>();
  readonly #state = new SharedState();
  readonly fingerprints: Fingerprints;
  readonly table: MarkerTable;

  /** `salt` of the fingerprints: one of its own unless they are another's. */
  constructor(salt?: string) {
    this.fingerprints = createFingerprints(salt);
    this.table = new MarkerTable({
      make: (capacity) => new SharedShard(capacity),
      replaced: (index, shard) => {
        for (const port of this.#ports) port.postMessage({ index, memory: memoryOf(shard) } satisfies Replaced);
      },
    });
  }

  /** What a replica keeps what it learns in. */
  knowledge(): Knowledge {
    return new Knowledge(this.fingerprints, undefined, this.table);
  }

  publish(state: Published): void {
    this.#state.write(state);
  }

  /** From here on the reader at the other end of `port` misses nothing. */
  show(port: MessagePort): Sighting {
    this.#ports.add(port);
    return {
      salt: this.fingerprints.salt,
      state: this.#state.memory,
      shards: this.table.shards.map(memoryOf),
    };
  }
}

function memoryOf({ fingerprints }: Shard): ArrayBufferLike {
  return fingerprints.buffer;
}
