// Decides whether a `kid` nobody knows may cause a fetch: strangers choose kids, so they must not choose our traffic.

/** Fetches that may follow each other at once: a rotation, and one more soon after it. */
const BURST_COUNT = 3;
/** One further fetch is allowed after each of these: under a flood four a minute, whatever the flood. */
const REFILL_EVERY_MS = 15_000;
/** How long a kid found absent causes no fetch: stale clients of a withdrawn key must not use up the allowance. */
const ABSENT_FOR_MS = 30_000;
/** 1024 kids of at most 256 bytes are a quarter of a MiB; beyond it the oldest is forgotten. */
const ABSENT_COUNT = 1024;

/** All times on the monotonic clock. */
export class RefetchLimit {
  #allowance = BURST_COUNT;
  #refilledAtMs = -Infinity;
  readonly #absentUntilMs = new Map<string, number>();

  /** Whether `kid` was found absent lately. */
  isKnownAbsent(kid: string, nowMs: number): boolean {
    const untilMs = this.#absentUntilMs.get(kid);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#absentUntilMs.delete(kid);
    return false;
  }

  rememberAbsent(kid: string, nowMs: number): void {
    this.#absentUntilMs.delete(kid);
    this.#absentUntilMs.set(kid, nowMs + ABSENT_FOR_MS);
    if (this.#absentUntilMs.size <= ABSENT_COUNT) return;
    for (const oldest of this.#absentUntilMs.keys()) {
      this.#absentUntilMs.delete(oldest);
      return;
    }
  }

  /** Takes one fetch from the allowance; false when it is used up. */
  takeFetch(nowMs: number): boolean {
    const refills = Math.floor((nowMs - this.#refilledAtMs) / REFILL_EVERY_MS);
    if (refills > 0) {
      this.#allowance = Math.min(BURST_COUNT, this.#allowance + refills);
      this.#refilledAtMs = this.#allowance === BURST_COUNT ? nowMs : this.#refilledAtMs + refills * REFILL_EVERY_MS;
    }
    if (this.#allowance === 0) return false;
    this.#allowance -= 1;
    return true;
  }
}
