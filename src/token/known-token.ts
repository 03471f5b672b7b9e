// What is kept of a token that came again: what every later call with it is answered with. It judges nothing but whether its key
// is still its issuer's.

import type { Instant } from "../core/clock.ts";
import type { Result } from "../core/result.ts";
import type { Times } from "./claims.ts";
import type { Issuer } from "./issuer.ts";
import type { KeySet } from "./key-set.ts";
import type { Remembered } from "./token-cache.ts";
import type { VerifiedToken } from "./verified-token.ts";
import type { VerifyKey } from "./verify-key.ts";

/** What is known of a token that was found good, beside what its bytes say. */
export interface FoundGood extends Times {
  readonly issuer: Issuer;
  readonly key: VerifyKey;
  /** The last set seen to hold `key`. */
  keysSeen: KeySet;
  /** On the monotonic clock. */
  seenAtMs: number;
}

/** One that came once is kept by its bytes alone (once-seen.ts). */
export class KnownToken<T> implements Remembered, FoundGood {
  /** What every hit is answered with: nothing is allocated for it. */
  readonly outcome: Result<VerifiedToken<T>, never>;
  readonly issuer: Issuer;
  readonly key: VerifyKey;
  keysSeen: KeySet;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
  readonly notBeforeS: number | undefined;
  seenAtMs: number;
  readonly #token: Buffer;

  /** `token` must not change any more. */
  constructor(token: Buffer, outcome: Result<VerifiedToken<T>, never>, facts: FoundGood) {
    this.outcome = outcome;
    this.issuer = facts.issuer;
    this.key = facts.key;
    this.keysSeen = facts.keysSeen;
    this.issuedAtS = facts.issuedAtS;
    this.expiresAtS = facts.expiresAtS;
    this.notBeforeS = facts.notBeforeS;
    this.seenAtMs = facts.seenAtMs;
    this.#token = token;
  }

  isOf(token: Buffer): boolean {
    return token.equals(this.#token);
  }
}

/** Whether the key that verified the token is still one of its issuer's; of an unchanged set one comparison. */
export function isKeyCurrent(entry: FoundGood, now: Instant): boolean {
  const keys = entry.issuer.keys.current(now);
  if (keys === entry.keysSeen) return true;
  if (!keys.keys.has(entry.key)) return false;
  entry.keysSeen = keys;
  return true;
}
