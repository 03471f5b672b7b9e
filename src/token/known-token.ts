// What is kept of a token that came again: what every later call with it is answered with. It judges nothing.

import type { Result } from "../core/result.ts";
import type { FoundGood } from "./found-good.ts";
import type { Issuer } from "./issuer.ts";
import type { KeySet } from "./key-set.ts";
import type { Remembered } from "./token-cache.ts";
import type { VerifiedToken } from "./verified-token.ts";
import type { VerifyKey } from "./verify-key.ts";

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
