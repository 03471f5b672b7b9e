// Authenticates callers by access tokens of the configured issuer, judged live: a revoked admin is refused at once.

import type { Clock } from "../core/clock.ts";
import { decide } from "../core/decide.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { Verdict } from "../core/verdict.ts";
import type { Guard } from "../revocation/guard.ts";
import type { RevocationSubject } from "../revocation/subject.ts";
import type { VerifiedToken } from "../token/verified-token.ts";
import type { Verifier } from "../token/verifier.ts";
import type { AccessFault, Authenticator, Caller } from "./access.ts";

export interface AccessTokenOptions {
  /** Of the control plane's issuer, for the control plane's audience alone. */
  readonly verifier: Verifier<RevocationSubject>;
  readonly guard: Guard;
  readonly clock: Clock;
  /** Of verification and look-up together. */
  readonly timeoutMs: number;
}

/** Whoever may revoke is judged on the newest word, and never on none. */
const LIVE: Tier = { name: "control", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };

const TWO_DOTS = /^[^.]+\.[^.]+\.[^.]*$/;

/** An access token that was found good. */
export interface Admitted {
  readonly caller: Caller;
  readonly principal: Principal;
  readonly subject: RevocationSubject;
}

export interface AccessTokens extends Authenticator {
  admit(token: string): Promise<Result<Admitted, AccessFault>>;
  /** Whether a token that was admitted stands revoked by now. Its times and its key are not looked at again. */
  judge(subject: RevocationSubject): Promise<Result<void, AccessFault>>;
}

export function createAccessTokens(options: AccessTokenOptions): AccessTokens {
  const { clock, guard, timeoutMs, verifier } = options;
  const accessTokens: AccessTokens = {
    async authenticate(token) {
      const admitted = await accessTokens.admit(token);
      return admitted.ok ? ok(admitted.value.caller) : admitted;
    },
    judge(subject) {
      const beganAt = clock.now();
      return new Promise((resolve) => {
        guard.judge(subject, LIVE, beganAt, beganAt.monotonicMs + timeoutMs, undefined, (evidence) => {
          resolve(evidence.state === "active" ? ok(undefined) : err(faultOfEvidence(evidence.state)));
        });
      });
    },
    admit(token) {
      if (!TWO_DOTS.test(token)) return Promise.resolve(err({ cause: "unknown_token" }));
      const beganAt = clock.now();
      const deadlineAtMs = beganAt.monotonicMs + timeoutMs;
      return new Promise((resolve) => {
        verifier.verify(Buffer.from(token), beganAt, deadlineAtMs, undefined, (outcome) => {
          if (!outcome.ok) return resolve(err(faultOf(outcome.error.reason)));
          // Bound to a key or a certificate that nobody shows here: whoever has it may have stolen it.
          if (outcome.value.principal.confirmation !== undefined) return resolve(err({ cause: "refused" }));
          judgeLive(options, outcome.value, deadlineAtMs, (verdict) => resolve(admittedOf(outcome.value, verdict)));
        });
      });
    },
  };
  return accessTokens;
}

function faultOfEvidence(state: "revoked" | "unknown"): AccessFault {
  return { cause: state === "revoked" ? "refused" : "unavailable" };
}

function judgeLive(
  { guard, clock }: AccessTokenOptions,
  { principal, compiled }: VerifiedToken<RevocationSubject>,
  deadlineAtMs: number,
  done: (verdict: Verdict) => void,
): void {
  const beganAt = clock.now();
  guard.judge(compiled, LIVE, beganAt, deadlineAtMs, undefined, (evidence) => {
    const question = { principal, possession: undefined, evidence, tier: LIVE, requiredScopes: [], beganAt };
    done(decide({ ...question, now: clock.now() }));
  });
}

function admittedOf(
  { principal, compiled: subject }: VerifiedToken<RevocationSubject>,
  verdict: Verdict,
): Result<Admitted, AccessFault> {
  if (verdict.kind === "deny") return err(faultOf(verdict.reason));
  // Whoever acts must have a name of his own: RFC 9068 §2.2 has `sub` in every access token, a client's own included.
  if (principal.subject === undefined) return err({ cause: "refused" });
  const name = `${principal.issuerId}/${encodeURIComponent(principal.subject)}`;
  return ok({ caller: { name, scopes: principal.scopes }, principal, subject });
}

/** What a refused token's reason means to whoever asks about it: it is not good, or it cannot be told now. */
export function faultOf(reason: DenyReason): AccessFault {
  switch (reason) {
    case "revocation_unavailable":
    case "keys_unavailable":
    case "overloaded":
    case "internal_error":
    case "config_error":
      return { cause: "unavailable" };
    case "missing_token":
    case "malformed_request":
    case "ambiguous_path":
    case "malformed_token":
    case "token_too_large":
    case "unsupported_token":
    case "unknown_issuer":
    case "unknown_key":
    case "algorithm_not_allowed":
    case "bad_signature":
    case "expired":
    case "not_yet_valid":
    case "wrong_audience":
    case "wrong_type":
    case "lifetime_too_long":
    case "claim_invalid":
    case "revoked":
    case "insufficient_scope":
      return { cause: "refused" };
  }
}
