// Verifies a bearer token: cache by the whole token, else parse → issuer → key → signature → claims → Principal.

import type { Clock, Instant } from "../core/clock.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Observer } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import type { Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import type { Issuer } from "./issuer.ts";

/** A verified token with what other rooms compiled of it once (its revocation subject, its identity headers). */
export interface VerifiedToken<T> {
  readonly principal: Principal;
  readonly compiled: T;
}

export interface VerifyFailure {
  readonly reason: DenyReason;
  /** Short id where the issuer is already known. */
  readonly issuerId: string | undefined;
}

export interface Verifier<T> {
  /**
   * Calls `done` exactly once: before returning on a cache hit and for algorithms verified on the loop, otherwise
   * at the latest about `deadlineAtMs` (monotonic clock). Never throws. `now` is the Check's own reading.
   */
  verify(
    token: string,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (outcome: Result<VerifiedToken<T>, VerifyFailure>) => void,
  ): void;
}

export interface VerifierOptions<T> {
  /** Each `issuer` and each `id` once. */
  readonly issuers: readonly Issuer[];
  readonly maxTokenBytes: number;
  /** How many verified tokens are remembered; 0: none. Their bytes are bounded with them. */
  readonly verifiedTokens: number;
  readonly clock: Clock;
  readonly observer: Pick<Observer, "verified" | "verifiedTokenCache" | "issuerClockAhead">;
  /**
   * What other rooms need of a token, computed once when it is verified. `tokenDigest` is the base64url SHA-256 of
   * its signing input: equal for equal tokens (the (r, n−s) twin of an ECDSA signature included), never the token.
   */
  readonly compile: (principal: Principal, tokenDigest: string) => Result<T, "claim_invalid">;
}
