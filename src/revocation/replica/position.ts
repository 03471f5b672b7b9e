// Up to which instant a replica knows everything: the older of what the feed and what the writers by hand allow. It
// reads no clock.

import type { Instant } from "../../core/clock.ts";
import type { Published } from "./published.ts";

type OnMoved = (state: Omit<Published, "storeNowS">) => void;

export class Position {
  readonly #directWriters: boolean;
  readonly #onMoved: OnMoved;
  #changedAt: Instant;
  #feedAsOf: Instant | undefined;
  #directAsOf: Instant | undefined;
  #asOf: Instant | undefined;

  /** `directWriters` false: nobody writes but through the feed. */
  constructor(directWriters: boolean, startedAt: Instant, onMoved: OnMoved) {
    this.#directWriters = directWriters;
    this.#changedAt = startedAt;
    this.#onMoved = onMoved;
  }

  get asOf(): Instant | undefined {
    return this.#asOf;
  }

  /** When what is known last changed. */
  get changedAt(): Instant {
    return this.#changedAt;
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

  /** Before anything is learned: whoever reads of it must not take an older answer for a newer one. */
  changes(at: Instant): void {
    this.#changedAt = at;
    this.#tell();
  }

  #tell(): void {
    this.#onMoved({ position: this.#asOf, changedAt: this.#changedAt });
  }

  #combine(): void {
    const feed = this.#feedAsOf;
    const direct = this.#directAsOf;
    if (feed === undefined) return;
    if (!this.#directWriters) this.#asOf = feed;
    else if (direct !== undefined) this.#asOf = older(feed, direct);
    this.#tell();
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
