// Writes down what was decided of one Check, for the metric, the log and the span. It decides nothing.

import type { Instant } from "../core/clock.ts";
import type { RevokedBy } from "../core/evidence.ts";
import type { Decision } from "../core/observer.ts";
import type { Span } from "../core/tracing.ts";
import type { SenderFlaw } from "../core/possession.ts";
import type { Principal } from "../core/principal.ts";
import type { Deny, Verdict } from "../core/verdict.ts";
import type { AuthzRequest } from "./authz-request.ts";
import type { JudgedBy } from "./dynamic-metadata.ts";
import type { Requirement } from "./requirement.ts";

/** What a Check knows besides its verdict. */
export interface CheckFacts {
  readonly request: AuthzRequest | undefined;
  readonly requirement: Requirement | undefined;
  readonly principal: Principal | undefined;
  readonly span: Span | undefined;
  readonly beganAt: Instant;
}

export function decisionOf(verdict: Verdict, by: JudgedBy, facts: CheckFacts, endedAt: Instant): Decision {
  const isAllow = verdict.kind === "allow";
  const refusal = refusalOf(verdict);
  return {
    outcome: verdict.kind,
    reason: isAllow ? "ok" : verdict.reason,
    tier: by.tier,
    assurance: isAllow ? verdict.assurance : undefined,
    stalenessMs: isAllow ? verdict.stalenessMs : undefined,
    issuerId: by.issuerId,
    rule: by.rule,
    revokedBy: revokedByOf(refusal),
    senderFlaw: flawOf(refusal),
    wouldDeny: isAllow ? verdict.observed?.reason : undefined,
    endedAt,
    durationMs: endedAt.monotonicMs - facts.beganAt.monotonicMs,
    method: facts.request?.method,
    path: facts.requirement?.path,
    subject: facts.principal?.subject,
    traceId: facts.span?.traceId,
  };
}

/** What was refused, or would have been. */
function refusalOf(verdict: Verdict): Deny | undefined {
  return verdict.kind === "allow" ? verdict.observed : verdict;
}

function revokedByOf(refusal: Deny | undefined): RevokedBy | undefined {
  return refusal?.revokedBy;
}

function flawOf(refusal: Deny | undefined): SenderFlaw | undefined {
  return refusal?.sender?.flaw;
}

export function endSpan(span: Span, decision: Decision): void {
  span.set("portcullis.decision", decision.outcome);
  span.set("portcullis.reason", decision.reason);
  if (decision.tier !== undefined) span.set("portcullis.tier", decision.tier);
  if (decision.assurance !== undefined) span.set("portcullis.assurance", decision.assurance);
  if (decision.rule !== undefined) span.set("portcullis.rule", decision.rule);
  span.end();
}
