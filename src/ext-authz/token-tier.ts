// Decides in which tier a verified token is judged, and whether its issuer's word on it is young enough for that. It asks nobody.

import { ageMs, type Instant } from "../core/clock.ts";
import type { Result } from "../core/result.ts";
import { stricter, type Tier } from "../core/tier.ts";
import type { VerifyFailure } from "../token/verification.ts";
import type { VerifiedToken } from "../token/verified-token.ts";
import type { CompiledToken } from "./check-policy.ts";
import type { Requirement } from "./requirement.ts";

/** Whether the token's own scopes ask for a younger word of its issuer than the route does; the call began at `beganAt`. */
export function isTooOld(
  outcome: Result<VerifiedToken<CompiledToken>, VerifyFailure>,
  requirement: Requirement,
  beganAt: Instant,
  now: Instant,
): boolean {
  if (!outcome.ok || outcome.value.principal.assertion === undefined) return false;
  const { asOf, goodForMs, isUnanswered } = outcome.value.principal.assertion;
  if (goodForMs !== undefined) return false; // no list is younger for being asked for again
  const { maxStalenessMs } = tierOf(outcome.value.compiled, requirement);
  return !isUnanswered && asOf.monotonicMs < beganAt.monotonicMs && !(ageMs(asOf, now) < maxStalenessMs);
}

/** The strictest of the request's and of the token's own scopes. */
export function tierOf({ floor }: CompiledToken, { tier }: Requirement): Tier {
  return floor === undefined ? tier : stricter(tier, floor);
}
