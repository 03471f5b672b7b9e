// How long a scan waits between two steps. Look-ups of Checks stand in the same queue at the store, so where that answers
// late a scan gives way at once, and comes back little by little. Nobody counts the sidecars of a fleet: this is how they
// share. Pure.

/** A step is 250 keys, less than 1 ms of a Redis: an answer as late as this stood behind others. */
const LATE_FROM_MS = 10;

const SLOWER = 2;
const FASTER = 0.9;

const FIRST_PAUSE_MS = 50;

/** At the slowest 125 keys a second: a thousand sidecars at once then take some 40 % of a Redis, and still come through. */
const LONGEST_PAUSE_MS = 2_000;

export class Pace {
  readonly #random: () => number;
  #pauseMs = FIRST_PAUSE_MS;

  /** `random` in [0, 1). */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** `tookMs`: the store's quickest answer of the step just done; Infinity: it had none. Not below `shortestMs`. */
  pauseAfterMs(tookMs: number, shortestMs: number): number {
    const wanted = this.#pauseMs * (tookMs < LATE_FROM_MS ? FASTER : SLOWER);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(shortestMs, wanted));
    return this.around(this.#pauseMs);
  }

  /** Half of it to one and a half. */
  around(ms: number): number {
    return ms * (0.5 + this.#random());
  }

  /** Anywhere up to it. */
  upTo(ms: number): number {
    return ms * this.#random();
  }
}
