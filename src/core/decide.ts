// The one function that may say allow. It trusts no caller's promise about ages: it checks them itself.

import { ageMs, type Instant } from "./clock.ts";
import type { ActiveEvidence, Evidence, UnknownCause, UnknownEvidence } from "./evidence.ts";
import type { Assertion, Principal } from "./principal.ts";
import type { Possession } from "./possession.ts";
import type { Tier } from "./tier.ts";
import { deny, type Allow, type AllowFacts, type Assurance, type Deny, type Verdict } from "./verdict.ts";

/** What a protected call is judged on. */
export interface Question {
  readonly principal: Principal;
  /** Of what the principal is bound to; undefined where it is bound to nothing. */
  readonly possession: Possession | undefined;
  readonly evidence: Evidence;
  readonly tier: Tier;
  readonly requiredScopes: readonly string[];
  /** When this Check began here: a live answer must have been asked for no earlier. */
  readonly beganAt: Instant;
  readonly now: Instant;
}

/** Judges a protected call (ADR 1). Scopes last: a revoked token learns nothing about them. */
export function decide(question: Question): Verdict {
  const { principal, possession } = question;
  // A bound token that nobody proved to hold is a bug of the caller, and no allow.
  if (principal.confirmation !== possession?.of) return deny("internal_error");
  const verdict = decideByEvidence(question);
  const { assertion } = question.principal;
  return assertion === undefined || verdict.kind === "deny" ? verdict : alsoByAssertion(question, assertion, verdict);
}

function decideByEvidence(question: Question): Verdict {
  const { evidence } = question;
  switch (evidence.state) {
    case "revoked":
      return { ...deny("revoked"), revokedBy: evidence.by };
    case "active":
      return decideActive(question, evidence);
    case "unknown":
      return decideUnknown(question, evidence);
  }
}

/** Judges a call on an anonymous route: credentials were not looked at, no identity is set. */
export function decideAnonymous(): Allow {
  return allow({ ...NOBODY, assurance: "anonymous", observed: undefined });
}

/**
 * Lets a call through that was to be refused, as a sidecar does that only observes: nobody is named, nothing is vouched for,
 * and the refusal goes with it.
 */
export function decideObserved(observed: Deny): Allow {
  return allow({ ...NOBODY, assurance: "observed", observed });
}

const NOBODY = { kind: "allow", principal: undefined, stalenessMs: undefined } as const;

function decideActive(question: Question, evidence: ActiveEvidence): Verdict {
  const { principal, tier, beganAt, now } = question;
  const stalenessMs = Math.max(0, ageMs(evidence.asOf, now));
  // Order, not age: within one process the monotonic clock alone tells which came first.
  const askedForThisCall = evidence.source === "store" && evidence.asOf.monotonicMs >= beganAt.monotonicMs;
  const missing = lackOfScope(question);
  if (askedForThisCall)
    return missing ?? allow({ kind: "allow", assurance: "live", principal, stalenessMs, observed: undefined });
  // Strict: a tier of 0 s is never answered from memory.
  if (stalenessMs < tier.maxStalenessMs)
    return missing ?? allow({ kind: "allow", assurance: "recent", principal, stalenessMs, observed: undefined });
  return deny("internal_error");
}

function decideUnknown(question: Question, evidence: UnknownEvidence): Verdict {
  if (evidence.cause === "overloaded") return deny("overloaded");
  const { principal, tier, now } = question;
  const { lastAnswerAt, firstUnansweredAt } = evidence;
  if (!mayFailOpen(evidence.cause) || lastAnswerAt === undefined) return deny("revocation_unavailable");
  const stalenessMs = Math.max(0, ageMs(lastAnswerAt, now));
  const withinGrace = stalenessMs < tier.failOpenForMs && ageMs(firstUnansweredAt, now) < tier.failOpenForMs;
  if (!withinGrace) return deny("revocation_unavailable");
  const missing = lackOfScope(question);
  return missing ?? allow({ kind: "allow", assurance: "fail-open", principal, stalenessMs, observed: undefined });
}

/** What allows by both is as good as the weaker, and as old as the older. */
function alsoByAssertion(question: Question, assertion: Assertion, verdict: Allow): Verdict {
  const stalenessMs = Math.max(0, ageMs(assertion.asOf, question.now));
  if (assertion.goodForMs !== undefined && stalenessMs < assertion.goodForMs) return verdict;
  const assurance = assuranceOf(question, assertion, stalenessMs);
  if (assurance === undefined) return deny(assertion.isUnanswered ? "keys_unavailable" : "internal_error");
  return allow({
    ...verdict,
    assurance: STRENGTH.indexOf(assurance) > STRENGTH.indexOf(verdict.assurance) ? assurance : verdict.assurance,
    stalenessMs: Math.max(stalenessMs, verdict.stalenessMs ?? 0),
  });
}

const STRENGTH: readonly Assurance[] = ["live", "recent", "fail-open"];

/** Undefined: the issuer's word is too old for the tier. */
function assuranceOf({ beganAt, tier }: Question, assertion: Assertion, staleMs: number): Assurance | undefined {
  if (assertion.goodForMs === undefined) {
    if (assertion.asOf.monotonicMs >= beganAt.monotonicMs) return "live";
    if (staleMs < tier.maxStalenessMs) return "recent";
  }
  return assertion.isUnanswered && staleMs < tier.failOpenForMs ? "fail-open" : undefined;
}

function mayFailOpen(cause: UnknownCause): boolean {
  switch (cause) {
    case "timeout":
    case "deadline":
    case "disconnected":
    case "connection_refused":
    case "connection_lost":
    case "loading":
    case "read_only":
    case "not_primary":
    case "cluster_down":
    case "moved":
    case "out_of_memory":
    case "auth":
    case "max_clients":
    case "locked":
    case "disk":
    case "protocol":
    case "breaker_open":
    case "store_lost": // what the store forgot is as unknown as what it does not say: bounded like any outage
    case "stopped":
      return true;
    case "unreadable": // somebody did revoke something, and we cannot read what
    case "overloaded": // load must not open the door
      return false;
  }
}

function lackOfScope(question: Question): Deny | undefined {
  const { principal, requiredScopes } = question;
  for (const scope of requiredScopes) {
    if (!principal.scopes.includes(scope)) {
      return { ...deny("insufficient_scope"), requiredScopes };
    }
  }
  return undefined;
}

function allow(facts: AllowFacts): Allow {
  return facts as Allow;
}
