// What is remembered of tokens in trouble: seen revoked, seen unreadable, or left unanswered. It outlives the
// verified-token cache, for a token once seen revoked must never be let through by a fail-open. It never allows.

import type { Instant } from "../core/clock.ts";
import type { RevokedBy } from "../core/evidence.ts";
import type { RevocationSubject } from "./subject.ts";

export interface SeenRevoked {
  readonly by: RevokedBy;
  readonly asOf: Instant;
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
 * `maxEntries` bounds the memory. When it is full nothing is thrown out for it would be a lie later: what can't be
 * noted is treated as being in the worst trouble, so fail-open ends for tokens unknown here.
 */
export function createTrouble(maxEntries: number): Trouble {
  const entries = new Map<string, Entry>();
  let sweptAtMs = -Infinity;
  let revokedLostUntilWallMs = -Infinity;

  function sweep(now: Instant): void {
    if (now.monotonicMs - sweptAtMs < SWEEP_EVERY_MS) return;
    sweptAtMs = now.monotonicMs;
    for (const [identity, entry] of entries) if (entry.forgetAtWallMs <= now.wallMs) entries.delete(identity);
  }

  function entryOf(subject: RevocationSubject, now: Instant): Entry | undefined {
    const known = entries.get(subject.identity);
    if (known !== undefined) return known;
    if (entries.size >= maxEntries) sweep(now);
    if (entries.size >= maxEntries) return undefined;
    const entry: Entry = {
      revoked: undefined,
      unreadableAsOf: undefined,
      firstUnansweredAt: undefined,
      forgetAtWallMs: subject.forgetAtWallMs + FORGET_MARGIN_MS,
    };
    entries.set(subject.identity, entry);
    return entry;
  }

  function loseTrackUntil(wallMs: number): void {
    revokedLostUntilWallMs = Math.max(revokedLostUntilWallMs, wallMs + FORGET_MARGIN_MS);
  }

  return {
    get size() {
      return entries.size;
    },
    seenRevoked: (identity) => entries.get(identity)?.revoked,
    seenUnreadable: (identity) => entries.get(identity)?.unreadableAsOf,
    rememberRevoked(subject, seen, now) {
      const entry = entryOf(subject, now);
      if (entry === undefined) return loseTrackUntil(subject.forgetAtWallMs);
      entry.revoked = seen;
      entry.unreadableAsOf = undefined;
      entry.firstUnansweredAt = undefined;
    },
    rememberUnreadable(subject, asOf, now) {
      const entry = entryOf(subject, now);
      if (entry === undefined) return loseTrackUntil(subject.forgetAtWallMs);
      entry.unreadableAsOf = asOf;
    },
    unanswered(subject, askedAt, now) {
      if (now.wallMs < revokedLostUntilWallMs && !entries.has(subject.identity)) return LONG_AGO;
      const entry = entryOf(subject, now);
      if (entry === undefined) return LONG_AGO;
      entry.firstUnansweredAt ??= askedAt;
      return entry.firstUnansweredAt;
    },
    settle(identity, asOf) {
      const entry = entries.get(identity);
      if (entry === undefined) return;
      const unansweredSince = entry.firstUnansweredAt;
      if (unansweredSince === undefined || unansweredSince.monotonicMs <= asOf.monotonicMs) {
        entries.delete(identity);
        return;
      }
      // A look-up asked after this answer's instant and left unanswered stays unanswered.
      entry.revoked = undefined;
      entry.unreadableAsOf = undefined;
    },
  };
}
