// Why a replica does not know of now: the last fault of each of its ways to the store, in one line for people.

import type { Log } from "../../core/log.ts";
import type { StoreFault } from "../store.ts";

/** Its ways: the head and the markers, the log, the push; or the one to a relay. */
type Way = "reads" | "feed" | "push" | "relay";

const IN_WORDS: Readonly<Record<Way, string>> = {
  reads: "the store cannot be read",
  feed: "the feed cannot be read",
  push: "other writers are not heard",
  relay: "the relay cannot be followed",
};

/** A position as old as this is worth a line in the log. */
const BEHIND_FROM_MS = 5_000;

export class Obstacles {
  readonly #log: Log;
  readonly #faults = new Map<Way, StoreFault>();
  #isReported = false;

  constructor(log: Log) {
    this.#log = log;
  }

  /** `fault` undefined: it works. */
  note(way: Way, fault: StoreFault | undefined): void {
    if (fault === undefined) this.#faults.delete(way);
    else this.#faults.set(way, fault);
  }

  /** undefined: nothing is known to be in the way. */
  describe(): string | undefined {
    if (this.#faults.size === 0) return undefined;
    return [...this.#faults].map(([way, { cause, detail }]) => `${IN_WORDS[way]} (${cause}: ${detail})`).join("; ");
  }

  /** Says `why` in the log, once for each time that something is in the way; undefined: nothing is. */
  report(why: string | undefined, lagMs: number): void {
    if (why === undefined) this.#isReported = false;
    if (why === undefined || this.#isReported || lagMs < BEHIND_FROM_MS) return;
    this.#isReported = true;
    this.#log.warn("replica_behind", { why });
  }
}
