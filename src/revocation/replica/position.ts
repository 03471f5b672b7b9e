// Up to which instant a replica knows everything: the older of what the feed and what the writers by hand allow. Pure.

import type { Instant } from "../../core/clock.ts";

export class Position {
  readonly #directWriters: boolean;
  #feedAsOf: Instant | undefined;
  #directAsOf: Instant | undefined;
  #asOf: Instant | undefined;

  /** `directWriters` false: nobody writes but through the feed. */
  constructor(directWriters: boolean) {
    this.#directWriters = directWriters;
  }

  get asOf(): Instant | undefined {
    return this.#asOf;
  }

  /** Every entry acknowledged before `askedAt` is applied. */
  feedReached(askedAt: Instant): void {
    this.#feedAsOf = later(this.#feedAsOf, askedAt);
    this.#combine();
  }

  /** Every write acknowledged before `askedAt`, whoever's, has been read: pushed and proved, or found by a whole scan. */
  directReached(askedAt: Instant): void {
    this.#directAsOf = later(this.#directAsOf, askedAt);
    this.#combine();
  }

  #combine(): void {
    const feed = this.#feedAsOf;
    const direct = this.#directAsOf;
    if (feed === undefined) return;
    if (!this.#directWriters) this.#asOf = feed;
    else if (direct !== undefined) this.#asOf = older(feed, direct);
  }
}

/** An order, so by the monotonic clock alone. */
function later(a: Instant | undefined, b: Instant): Instant {
  return a !== undefined && a.monotonicMs > b.monotonicMs ? a : b;
}

/** The older of two instants, by each clock apart, so that no later age comes out smaller for either. */
function older(a: Instant, b: Instant): Instant {
  return {
    monotonicMs: Math.min(a.monotonicMs, b.monotonicMs),
    wallMs: Math.min(a.wallMs, b.wallMs),
  };
}
