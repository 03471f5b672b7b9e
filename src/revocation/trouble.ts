// What is remembered of tokens in trouble: seen revoked, seen unreadable, or left unanswered. It outlives the
// verified-token cache, for a token once seen revoked must never be let through by a fail-open. It never allows.

import type { Instant } from "../core/clock.ts";
import type { RevokedBy } from "../core/evidence.ts";
import type { RevocationSubject } from "./subject.ts";

export interface SeenRevoked {
  readonly by: RevokedBy;
  /** How old it is. */
  readonly asOf: Instant;
  /** An answer asked for before it does not overwrite it: later than `asOf` where a feed told of it. */
  readonly heardAt: Instant;
}

interface Entry {
  revoked: SeenRevoked | undefined;
  unreadableAsOf: Instant | undefined;
  firstUnansweredAt: Instant | undefined;
  readonly forgetAtWallMs: number;
}

/** So long ago that no grace covers it. */
const LONG_AGO: Instant = { monotonicMs: -Infinity, wallMs: -Infinity };

/** Beyond the token's own end: the wall clock may be set back a little and the token live again (as markers do). */
const FORGET_MARGIN_MS = 60_000;

/** Clearing out dead entries walks them all (about 1 ms for 10,000), so a full memory does it at most this often. */
const SWEEP_EVERY_MS = 1_000;

export interface Trouble {
  /** Tokens in trouble; 0 lets a warm call skip the look-up. */
  readonly size: number;
  seenRevoked(identity: string): SeenRevoked | undefined;
  rememberRevoked(subject: RevocationSubject, seen: SeenRevoked, now: Instant): void;
  rememberUnreadable(subject: RevocationSubject, asOf: Instant, now: Instant): void;
  /** As of when a watermark over this token was last found that nobody could read. */
  seenUnreadable(identity: string): Instant | undefined;
  /** Notes that a look-up asked at `askedAt` went unanswered, and returns the first one since the last answer. */
  unanswered(subject: RevocationSubject, askedAt: Instant, now: Instant): Instant;
  /** A complete answer as of `asOf` found nothing: all that was known before it is settled. */
  settle(identity: string, asOf: Instant): void;
}

/**
 * `maxEntries` bounds the memory. When it is full nothing is thrown out, for what is forgotten would be a lie later:
 * what can't be noted is treated as being in the worst trouble, so fail-open ends for tokens unknown here.
 */
export function createTrouble(maxEntries: number): Trouble {
  return new BoundedTrouble(maxEntries);
}

class BoundedTrouble implements Trouble {
  readonly #entries = new Map<string, Entry>();
  readonly #maxEntries: number;
  #sweptAtMs = -Infinity;
  #revokedLostUntilWallMs = -Infinity;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  seenRevoked(identity: string): SeenRevoked | undefined {
    return this.#entries.get(identity)?.revoked;
  }

  seenUnreadable(identity: string): Instant | undefined {
    return this.#entries.get(identity)?.unreadableAsOf;
  }

  rememberRevoked(subject: RevocationSubject, seen: SeenRevoked, now: Instant): void {
    const entry = this.#entryOf(subject, now);
    if (entry === undefined) return this.#loseTrackOf(subject);
    if (isLater(entry.revoked?.heardAt, seen.heardAt)) return; // a late answer never overwrites what a newer one said
    entry.revoked = seen;
    entry.unreadableAsOf = undefined;
    entry.firstUnansweredAt = undefined;
  }

  rememberUnreadable(subject: RevocationSubject, asOf: Instant, now: Instant): void {
    const entry = this.#entryOf(subject, now);
    if (entry === undefined) return this.#loseTrackOf(subject);
    if (!isLater(entry.unreadableAsOf, asOf)) entry.unreadableAsOf = asOf;
  }

  unanswered(subject: RevocationSubject, askedAt: Instant, now: Instant): Instant {
    if (now.wallMs < this.#revokedLostUntilWallMs && !this.#entries.has(subject.identity)) return LONG_AGO;
    const entry = this.#entryOf(subject, now);
    if (entry === undefined) return LONG_AGO;
    entry.firstUnansweredAt ??= askedAt;
    return entry.firstUnansweredAt;
  }

  settle(identity: string, asOf: Instant): void {
    const entry = this.#entries.get(identity);
    if (entry === undefined) return;
    const unansweredSince = entry.firstUnansweredAt;
    if (unansweredSince === undefined || unansweredSince.monotonicMs <= asOf.monotonicMs) {
      this.#entries.delete(identity);
      return;
    }
    // A look-up asked after this answer's instant and left unanswered stays unanswered.
    entry.revoked = undefined;
    entry.unreadableAsOf = undefined;
  }

  #entryOf(subject: RevocationSubject, now: Instant): Entry | undefined {
    const known = this.#entries.get(subject.identity);
    if (known !== undefined) return known;
    if (this.#entries.size >= this.#maxEntries) this.#sweep(now);
    if (this.#entries.size >= this.#maxEntries) return undefined;
    const entry: Entry = {
      revoked: undefined,
      unreadableAsOf: undefined,
      firstUnansweredAt: undefined,
      forgetAtWallMs: subject.forgetAtWallMs + FORGET_MARGIN_MS,
    };
    this.#entries.set(subject.identity, entry);
    return entry;
  }

  #sweep(now: Instant): void {
    if (now.monotonicMs - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = now.monotonicMs;
    for (const [identity, entry] of this.#entries)
      if (entry.forgetAtWallMs <= now.wallMs) this.#entries.delete(identity);
  }

  #loseTrackOf(subject: RevocationSubject): void {
    this.#revokedLostUntilWallMs = Math.max(this.#revokedLostUntilWallMs, subject.forgetAtWallMs + FORGET_MARGIN_MS);
  }
}

/** Whether `a` is known and was read after `b`: an order, so by the monotonic clock alone. */
export function isLater(a: Instant | undefined, b: Instant): boolean {
  return a !== undefined && a.monotonicMs > b.monotonicMs;
}
