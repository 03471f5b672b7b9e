// Verifies a bearer token: cache by the whole token, else parse → issuer → key → signature → claims → Principal.

import type { Instant } from "../core/clock.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Principal } from "../core/principal.ts";
import type { Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";

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
