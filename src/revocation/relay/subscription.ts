// What one sidecar is told by a relay: first everything that stands, in parts, then what changes, and in between the
// answers to its questions. Nothing is held for it but where it is; who does not keep up is cut, and comes again.

import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { Heeded } from "../fleet-board.ts";
import type { Knowledge } from "../replica/knowledge.ts";
import { RECORD_WORDS } from "../replica/record.ts";
import type { Replica } from "../replica/replica.ts";
import { SHARD_COUNT } from "../replica/table.ts";
import type { Journal } from "./journal.ts";
import { frameOf, type Hello, type Told, type Whole } from "./messages.ts";

export type EndCause = "stopping" | "refused" | "too slow";

/** The way to one sidecar. Nothing here throws; after its end all of it does nothing. */
export interface Outlet {
  /** undefined: there is room for more. Else resolves once there is; false: that took too long. */
  send(data: Buffer | string): Promise<boolean> | undefined;
  end(cause: EndCause): void;
}

export interface Subscriber {
  /** A question came, just now. */
  asked(ask: number): void;
  /** Once; `onOver` of the relay hears of it. "gone": the other side went. */
  end(cause: EndCause | "gone"): void;
}

export interface SubscriptionOptions {
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly journal: Journal;
  readonly known: Pick<Knowledge, "recordsOf" | "storeNowS">;
  readonly replica: Pick<Replica, "position" | "status">;
  readonly heeded: () => Heeded | undefined;
  readonly hello: Hello;
  /** Whether one more may be told everything now. */
  readonly beginSnapshot: () => boolean;
  readonly endSnapshot: () => void;
  readonly onOver: () => void;
}

/** Of a part: 40 KB, half a millisecond of copying. */
const PART_RECORDS = 1_000;

/** A sidecar asks each second; who went without a word would keep its place for ever. */
const SILENT_FOR_MS = 30_000;

/** For everything: a million markers at 0.7 MB/s. Whoever is slower keeps others from their turn. */
const SNAPSHOT_WITHIN_MS = 60_000;

const WHOLE = JSON.stringify({ type: "whole" } satisfies Whole);

export class Subscription implements Subscriber {
  readonly #options: SubscriptionOptions;
  /** The number of the frame that is told next. */
  #next: number;
  /** The next small table to be told; undefined: none has been yet. */
  #shard: number | undefined;
  #isWhole: boolean;
  #snapshotBeganAt: Instant | undefined;
  #question: { readonly ask: number; readonly at: Instant } | undefined;
  #heardAt: Instant;
  #isSending = false;
  #isOver = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#heardAt = options.clock.now();
    this.#next = options.hello.next;
    this.#isWhole = options.hello.resumed;
    this.#send(JSON.stringify(options.hello));
  }

  /** It waits for its turn to be told everything. */
  get isWaiting(): boolean {
    return !this.#isWhole && this.#shard === undefined;
  }

  asked(ask: number): void {
    this.#heardAt = this.#options.clock.now();
    this.#question = { ask, at: this.#heardAt };
    this.pump();
  }

  endIfSilent(now: Instant): void {
    // By the monotonic clock alone: a step of the other would cut them all.
    if (now.monotonicMs - this.#heardAt.monotonicMs > SILENT_FOR_MS) this.end("too slow");
  }

  /** Tells what there is to tell, as far as it is taken. */
  pump(): void {
    this.#options.journal.flush();
    while (!this.#isSending && !this.#isOver) {
      const data = this.#nextFrame() ?? this.#answer();
      if (data === undefined) return this.#tellParts();
      this.#send(data);
    }
  }

  end(cause: EndCause | "gone"): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (this.#shard !== undefined && !this.#isWhole) this.#options.endSnapshot();
    if (cause !== "gone") this.#options.outlet.end(cause);
    this.#options.onOver();
  }

  #send(data: Buffer | string): void {
    const taken = this.#options.outlet.send(data);
    if (taken === undefined) return;
    this.#isSending = true;
    void this.#goOnAfter(taken);
  }

  async #goOnAfter(taken: Promise<boolean>): Promise<void> {
    const isTaken = await taken;
    this.#isSending = false;
    if (isTaken) this.pump();
    else this.end("too slow");
  }

  #nextFrame(): Buffer | string | undefined {
    const { journal } = this.#options;
    if (this.#next >= journal.next) return undefined;
    if (this.#next < journal.first) {
      this.end("too slow");
      return undefined;
    }
    this.#next += 1;
    return journal.frame(this.#next - 1);
  }

  /** All that is known was told: what can be said of now can be believed once it is heard. */
  #answer(): string | undefined {
    const question = this.#question;
    if (question === undefined || this.#isOver) return undefined;
    this.#question = undefined;
    const { replica, known, heeded } = this.#options;
    const { position, seq, isPushed, why } = replica.status();
    const told: Told = {
      type: "told",
      ask: question.ask,
      age_ms: position === undefined ? null : Math.max(0, ageMs(position, question.at)),
      store_now_s: known.storeNowS,
      heeded: heeded() ?? null,
      seq,
      pushed: isPushed,
      why: why ?? null,
    };
    return JSON.stringify(told);
  }

  /** One part a turn: what changed until then was told before it, so a part is never older than what went before. */
  #tellParts(): void {
    const { clock, schedule, beginSnapshot, endSnapshot } = this.#options;
    if (this.#isWhole || this.#isOver) return;
    const now = clock.now();
    if (this.#shard === undefined) {
      if (!beginSnapshot()) return;
      this.#shard = 0;
      this.#snapshotBeganAt = now;
    }
    if (ageMs(this.#snapshotBeganAt ?? now, now) > SNAPSHOT_WITHIN_MS) return this.end("too slow");
    this.#send(this.#part(this.#shard));
    if (this.#shard === SHARD_COUNT) {
      this.#isWhole = true;
      endSnapshot();
      this.#send(WHOLE);
    }
    if (!this.#isSending) schedule.immediate(() => this.pump());
  }

  #part(first: number): Buffer {
    const parts: Int32Array[] = [];
    let count = 0;
    let shard = first;
    for (; shard < SHARD_COUNT && count < PART_RECORDS; shard += 1) {
      const records = this.#options.known.recordsOf(shard);
      parts.push(records);
      count += records.length / RECORD_WORDS;
    }
    this.#shard = shard;
    const all = new Int32Array(count * RECORD_WORDS);
    let at = 0;
    for (const records of parts) {
      all.set(records, at);
      at += records.length;
    }
    return frameOf({ type: "part", records: all });
  }
}
