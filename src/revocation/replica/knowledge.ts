// What a replica knows, and which of two reports of one key is the newer: entries come by seq, readings as of the head
// they were made at, and only a later one replaces what is known. It asks nobody.

import { isWatermarkKind } from "../../core/target.ts";
import { readWatermark, type Judgement } from "../judge.ts";
import { markerFacts } from "../marker-facts.ts";
import type { RevocationSubject } from "../subject.ts";
import { createFingerprints, type Fingerprints } from "./fingerprint.ts";
import type { FeedEntry, Moment, StandingMarker } from "./source.ts";
import { recordOf, type Meaning } from "./record.ts";
import { judgeBy } from "./judging.ts";
import { MarkerTable } from "./table.ts";

/** Of a table's 1,024 shards, at 1 M entries about 0.2 ms. */
const SHARDS_PER_SWEEP = 8;

const LAST_GENERATION = 255;

/** What is settled does no harm: each time at most so much is cleared away, more than was added since, in 0.1 ms. */
const SETTLED_AT_ONCE = 1_000;

export class Knowledge {
  readonly #table: MarkerTable;
  readonly #fingerprints: Fingerprints;
  readonly #onChange: ((record: Int32Array) => void) | undefined;
  /** As of which seq the key is known, where a report that is still to come might be older. */
  #knownAsOf = new Map<string, number>();
  #generation = 1;
  #storeNowS = 0;
  #nextToExpire = 0;

  /** `onChange` hears of whatever is known otherwise than before, but not of what is past its end. */
  constructor(
    fingerprints: Fingerprints = createFingerprints(),
    onChange?: (record: Int32Array) => void,
    table: MarkerTable = new MarkerTable(),
  ) {
    this.#table = table;
    this.#fingerprints = fingerprints;
    this.#onChange = onChange;
  }

  get size(): number {
    return this.#table.size;
  }

  /** The store's clock, in whole seconds, as it was set last. */
  get storeNowS(): number {
    return this.#storeNowS;
  }

  /** A part of all that is known, of SHARD_COUNT. */
  recordsOf(shard: number): Int32Array {
    return this.#table.recordsOf(shard);
  }

  /** No later than the store's clock shows: nothing ends here before it ends there. */
  setStoreNow(ms: number): void {
    this.#storeNowS = Math.floor(ms / 1_000);
  }

  /** `isReading`: a reading is out that may have been made before this entry. */
  applyEntry({ key, seq, marker }: FeedEntry, isReading: boolean): void {
    if ((this.#knownAsOf.get(key) ?? -1) >= seq) return;
    if (isReading) this.#knownAsOf.set(key, seq);
    this.#learn(key, marker);
  }

  /** `appliedSeq`: entries up to it were applied. */
  applyMoment(keys: readonly string[], { head, markers }: Moment, appliedSeq: number): void {
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] as string;
      const marker = markers[i];
      if ((this.#knownAsOf.get(key) ?? -1) > head.seq) continue;
      if (head.seq > appliedSeq) this.#knownAsOf.set(key, head.seq);
      this.#learn(key, typeof marker === "object" ? marker : undefined);
    }
  }

  /** No reading is out: only entries after `appliedSeq` are still to come. */
  settleOrder(appliedSeq: number): void {
    let left = SETTLED_AT_ONCE;
    for (const [key, seq] of this.#knownAsOf) {
      if (left-- === 0) return;
      if (seq <= appliedSeq) this.#knownAsOf.delete(key);
    }
  }

  /** Seqs of another history begin. */
  forgetOrder(): void {
    this.#knownAsOf = new Map(); // clearing a large one would take its time
  }

  /** From here on what is learned is told from what was known before. */
  beginGeneration(): void {
    this.#generation = (this.#generation % LAST_GENERATION) + 1;
  }

  /** Forgets a part of what was not learned since; begin with 0, go on with what it returns until that is 0 again. */
  forgetOlder(first: number): number {
    return this.#table.sweep(first, SHARDS_PER_SWEEP, this.#storeNowS, this.#generation, (words) =>
      this.#onChange?.(recordOf(words, 0, undefined)),
    );
  }

  /** Forgets a part of what is past its end. */
  expireSome(): void {
    this.#nextToExpire = this.#table.sweep(this.#nextToExpire, SHARDS_PER_SWEEP, this.#storeNowS, undefined);
  }

  judge(subject: RevocationSubject): Judgement {
    return judgeBy(this.#table, this.#fingerprints, this.#storeNowS, subject);
  }

  #learn(key: string, marker: StandingMarker | undefined): void {
    const words = this.#fingerprints.of([key]);
    const meaning = marker === undefined ? undefined : meaningOf(marker);
    const isNews =
      meaning === undefined ? this.#table.delete(words, 0) : this.#table.set(words, 0, meaning, this.#generation);
    if (isNews) this.#onChange?.(recordOf(words, 0, meaning));
  }
}

function meaningOf({ kind, value, expiresAtMs }: StandingMarker): Meaning {
  return {
    issuedBeforeS: isWatermarkKind(kind) ? (readWatermark(value) ?? NaN) : Infinity,
    expiresAtS: expiresAtMs === undefined ? 0 : Math.max(1, Math.ceil(expiresAtMs / 1_000)),
    revocationId: markerFacts(value).id,
  };
}
