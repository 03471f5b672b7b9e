// What an instant is here and how old it is. Never reads a clock itself: edges pass one in.

/** One reading of both clocks of this machine, taken together. */
export interface Instant {
  /** Milliseconds on a clock that never steps back; its zero means nothing. */
  readonly monotonicMs: number;
  /** Milliseconds since the Unix epoch; may step. */
  readonly wallMs: number;
}

export interface Clock {
  now(): Instant;
}

/**
 * Age of `then` at `now`, in milliseconds: the larger of both clocks' differences. A suspended machine's
 * monotonic clock stands still while its wall clock goes on, and a stepped wall clock may go back while the
 * monotonic one goes on; the larger never makes an old answer young.
 */
export function ageMs(then: Instant, now: Instant): number {
  return Math.max(now.monotonicMs - then.monotonicMs, now.wallMs - then.wallMs);
}
