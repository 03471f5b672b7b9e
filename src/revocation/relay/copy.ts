// A relay's knowledge as far as it was told here: a table in the relay's own fingerprints, and the number of what must
// be told next. It does not know how old it is.

import type { Judgement } from "../judge.ts";
import type { Heeded } from "../fleet-board.ts";
import { createFingerprints, type Fingerprints } from "../replica/fingerprint.ts";
import { judgeBy } from "../replica/judging.ts";
import { isGone, RECORD_WORDS } from "../replica/record.ts";
import { MarkerTable } from "../replica/table.ts";
import { Publication } from "../shared/publication.ts";
import type { RevocationSubject } from "../subject.ts";

/** Of 1,024 small tables; all of them in some 13 s. */
const SHARDS_PER_SWEEP = 8;

/** Nothing is ever read anew here: a relay that was read anew tells what is gone. */
const GENERATION = 1;

export class Copy {
  readonly relay: string;
  /** All that stood was told. */
  isWhole = false;
  heeded: Heeded | undefined;
  /** No later than the store's clock shows. */
  storeNowS = 0;
  /** Where other threads read it; undefined: none does. */
  readonly publication: Publication | undefined;
  readonly #fingerprints: Fingerprints;
  readonly #table: MarkerTable;
  #next: number | undefined;
  #nextToExpire = 0;

  /** `isShared`: other threads will read it. */
  constructor(relay: string, salt: string, next: number, isShared = false) {
    this.relay = relay;
    this.publication = isShared ? new Publication(salt) : undefined;
    this.#fingerprints = this.publication?.fingerprints ?? createFingerprints(salt);
    this.#table = this.publication?.table ?? new MarkerTable();
    this.#next = next;
  }

  /** The number of the frame that must come next; undefined: none can. */
  get next(): number | undefined {
    return this.#next;
  }

  get size(): number {
    return this.#table.size;
  }

  judge(subject: RevocationSubject): Judgement {
    return judgeBy(this.#table, this.#fingerprints, this.storeNowS, subject);
  }

  /** false: it was whole already. */
  addPart(records: Int32Array): boolean {
    if (this.isWhole) return false;
    for (let at = 0; at < records.length; at += RECORD_WORDS) this.#table.put(records, at, GENERATION);
    return true;
  }

  /** false: others are missing before it. */
  change(number: number, records: Int32Array): boolean {
    if (!this.#follows(number)) return false;
    for (let at = 0; at < records.length; at += RECORD_WORDS) {
      if (isGone(records, at)) this.#table.delete(records, at);
      else this.#table.put(records, at, GENERATION);
    }
    return true;
  }

  /** false: others are missing before it. */
  reach(number: number, heeded: Heeded | undefined): boolean {
    if (!this.#follows(number)) return false;
    this.heeded = heeded;
    return true;
  }

  /** Nothing can go on from here. */
  breakOff(): void {
    this.#next = undefined;
  }

  expireSome(): void {
    this.#nextToExpire = this.#table.sweep(this.#nextToExpire, SHARDS_PER_SWEEP, this.storeNowS, undefined);
  }

  /** A frame has 32 bits for its number; of two that differ in more, one is long out of the journal. */
  #follows(number: number): boolean {
    if (this.#next === undefined || (number | 0) !== (this.#next | 0)) return false;
    this.#next += 1;
    return true;
  }
}
