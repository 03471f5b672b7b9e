// When calls of an open loop are due: a Poisson process, the same one for the same seed.

/**
 * The pacer's wake-up takes about this long to arrive (timer slack and two wake-ups), so it leaves as much earlier; who
 * is woken early waits for the instant itself.
 */
export const PACER_LEAD_MS = 0.15;

/** The instants at which calls are due, in order, endless. `next` moves on. */
export class Arrivals {
  readonly #meanMs: number;
  #state: number;
  #atMs: number;

  constructor(beginMs: number, ratePerSecond: number, seed: number) {
    this.#meanMs = 1000 / ratePerSecond;
    this.#state = seed;
    this.#atMs = beginMs;
  }

  next(): number {
    this.#atMs -= Math.log(1 - this.#random()) * this.#meanMs;
    return this.#atMs;
  }

  /** mulberry32: small, seeded, even enough for gaps between calls. In [0, 1). */
  #random(): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}
