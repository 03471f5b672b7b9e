// Explains what a request would be answered: the rule, tier, checks and verdict, step by step, by the rooms that judge
// real calls. It never tells the token.

import { decide, decideAnonymous, type Question } from "../core/decide.ts";
import { DENY_SHAPES, type DenyReason } from "../core/deny-reason.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Result } from "../core/result.ts";
import { stricter, type Tier } from "../core/tier.ts";
import { withoutTokens } from "../core/token-like.ts";
import { deny, type Assurance, type Verdict } from "../core/verdict.ts";
import type { AuthzRequest } from "../ext-authz/authz-request.ts";
import type { CompiledToken } from "../ext-authz/check-policy.ts";
import { requirementOf, type Requirement } from "../ext-authz/requirement.ts";
import type { VerifyFailure } from "../token/verification.ts";
import type { VerifiedToken } from "../token/verified-token.ts";
import { systemClock } from "./clock.ts";
import { describeHeld, possess, presentedBy } from "./explained-sender.ts";
import type { ExplainedPolicy } from "./explained.ts";

interface Step {
  readonly step: string;
  readonly result: string;
}

/** In the form in which the control API gives it, and `--json` prints it. */
export interface Explanation {
  readonly steps: readonly Step[];
  readonly verdict: Outcome;
}

/** `headers`: names in lower case. */
export function requestOf(
  method: string,
  path: string,
  headers: readonly (readonly [name: string, value: string])[],
): AuthzRequest {
  const valuesOf = (name: string): string[] => headers.filter(([key]) => key === name).map(([, value]) => value);
  return {
    method,
    host: valuesOf("host")[0] ?? valuesOf(":authority")[0] ?? "",
    path,
    authorization: valuesOf("authorization").map((value) => Buffer.from(value)),
    spoofedNames: [],
    traceparent: undefined,
    tracestate: undefined,
    tiers: [],
    scopes: [],
    attestations: () => [],
    sender: () => ({
      proofs: valuesOf("dpop").map((value) => Buffer.from(value)),
      certificate: "",
      scheme: "https",
      port: undefined,
    }),
  };
}

/** Keys and store get `patienceMs` to answer. */
export async function explanationOf(
  request: AuthzRequest,
  { config, policy }: ExplainedPolicy,
  patienceMs: number,
): Promise<Explanation> {
  const explained = { config, policy, patienceMs };
  const steps: Step[] = [];
  const tell: Say = (step, result) => void steps.push({ step, result });
  const end = (verdict: Verdict): Explanation => ({ steps, verdict: outcomeOf(verdict) });

  if (policy.mode === "observe")
    tell("mode", "observe: whatever the verdict, the call is let through, unnamed and marked");
  const requirement = requirementOf(request, policy);
  tellRule(requirement, explained, tell);
  if (requirement.refusal !== undefined) return end(deny(requirement.refusal));
  if (requirement.anonymous) {
    tell("token", "not looked at: the rule is anonymous");
    return end(decideAnonymous());
  }
  return end(await judgeToken(request, requirement, explained, tell));
}

interface Patient extends ExplainedPolicy {
  readonly patienceMs: number;
}

type Say = (step: string, result: string) => void;

async function judgeToken(
  request: AuthzRequest,
  requirement: Requirement,
  explained: Patient,
  tell: Say,
): Promise<Verdict> {
  const { policy, patienceMs } = explained;
  const presented = presentedBy(request, policy);
  tell("credentials", presented.ok ? `one token, by the scheme ${presented.value.scheme}` : presented.error);
  if (!presented.ok) return deny(presented.error);

  const beganAt = systemClock.now();
  const verified = await verify(presented.value.token, explained);
  tell("token", verified.ok ? describe(verified.value) : `refused: ${verified.error.reason}`);
  if (!verified.ok) return deny(verified.error.reason);
  const { principal, compiled } = verified.value;
  const tier = compiled.floor === undefined ? requirement.tier : stricter(requirement.tier, compiled.floor);
  tell("tier", describeTier(tier, requirement.tier));

  const held = await possess(request, requirement, presented.value, principal, policy, patienceMs);
  const sender = describeHeld(held);
  if (sender !== undefined) tell("sender", sender);
  if (!held.ok) return held.error;
  return judgeLast({ principal, possession: held.value, requirement, compiled, tier, beganAt }, explained, tell);
}

interface Held extends Pick<Question, "principal" | "possession" | "tier" | "beganAt"> {
  readonly requirement: Requirement;
  readonly compiled: CompiledToken;
}

async function judgeLast({ requirement, compiled, ...held }: Held, explained: Patient, tell: Say): Promise<Verdict> {
  const evidence = await lookUp(compiled, held.tier, explained);
  tell("revocation", `${compiled.subject.keys.join(" ")}: ${describeEvidence(evidence)}`);
  const { scopes: requiredScopes } = requirement;
  const { scopes } = held.principal;
  if (requiredScopes.length > 0) tell("scopes", `needs ${requiredScopes.join(" ")}; has ${scopes.join(" ")}`);
  return decide({ ...held, evidence, requiredScopes, now: systemClock.now() });
}

function tellRule(requirement: Requirement, { config }: Patient, tell: Say): void {
  const { path } = requirement;
  tell("path", path === undefined ? "has no one meaning for us and for the upstream" : withoutTokens(path));
  if (requirement.refusal === "malformed_request")
    return tell("host", "has no one meaning for us and for the upstream, and a rule names a host");
  const index = config.routes.findIndex((route, i) => (route.name ?? String(i)) === requirement.rule);
  const route = config.routes[index];
  const pattern =
    route === undefined ? "" : ` (${[route.methods?.join(","), route.host, route.path].filter(Boolean).join(" ")})`;
  const rule =
    requirement.rule === undefined ? "none matches: strictest tier, token required" : `${requirement.rule}${pattern}`;
  tell("rule", rule);
  tell("tier of the rule", requirement.anonymous ? "none: anonymous" : requirement.tier.name);
}

function verify(
  token: Buffer,
  { policy, patienceMs }: Patient,
): Promise<Result<VerifiedToken<CompiledToken>, VerifyFailure>> {
  const now = systemClock.now();
  return new Promise((resolve) => policy.verifier.verify(token, now, now.monotonicMs + patienceMs, undefined, resolve));
}

function lookUp(compiled: CompiledToken, tier: Tier, { policy, patienceMs }: Patient): Promise<Evidence> {
  const now = systemClock.now();
  return new Promise((resolve) =>
    policy.guard.judge(compiled.subject, tier, now, now.monotonicMs + patienceMs, undefined, resolve),
  );
}

function describe({ principal }: VerifiedToken<CompiledToken>): string {
  const { issuerId, algorithm, keyId, expiresAtS } = principal;
  return `good: issuer ${issuerId}, ${algorithm}, key ${keyId ?? "without kid"}, expires ${new Date(expiresAtS * 1_000).toISOString()}`;
}

function describeTier(tier: Tier, ofRule: Tier): string {
  const raised = tier === ofRule ? "" : ` (raised from ${ofRule.name} by a scope of the token)`;
  const grace =
    tier.failOpenForMs === 0 ? "store out → 503" : `store out → allowed for at most ${tier.failOpenForMs} ms`;
  return `${tier.name}${raised}: answers up to ${tier.maxStalenessMs} ms old, ${grace}`;
}

function describeEvidence(evidence: Evidence): string {
  switch (evidence.state) {
    case "active":
      return "not revoked";
    case "revoked":
      return `revoked by ${evidence.by.kind}${evidence.by.revocationId === undefined ? "" : ` (${evidence.by.revocationId})`}`;
    case "unknown":
      return `not known: ${evidence.cause}`;
  }
}

interface Outcome {
  /** As in the dynamic metadata of a Check's answer. */
  readonly decision: "allow" | "deny";
  readonly reason: DenyReason | "ok";
  readonly assurance?: Assurance;
  readonly http_status: number;
}

function outcomeOf(verdict: Verdict): Outcome {
  if (verdict.kind === "allow") {
    return { decision: "allow", reason: "ok", assurance: verdict.assurance, http_status: 200 };
  }
  return { decision: "deny", reason: verdict.reason, http_status: DENY_SHAPES[verdict.reason].httpStatus };
}
