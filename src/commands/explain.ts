// `portcullis explain`: which rule, tier, checks and verdict a request would get, step by step. It uses the rooms that
// judge real calls, reads keys and store as `serve` would, and never prints the token.

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
import type { VerifiedToken, VerifyFailure } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import { describeHeld, possess, presentedBy } from "./explained-sender.ts";
import { openExplained, type Explained } from "./explained.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";
import { readConfig } from "./read-config.ts";

export interface ExplainOptions {
  readonly config: string;
  readonly method: string;
  readonly path: string;
  /** `name:value` each. */
  readonly header: readonly string[];
  readonly tokenStdin?: boolean;
  readonly json?: boolean;
}

interface Step {
  readonly step: string;
  readonly result: string;
}

interface Explanation {
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

/** A person waits, so that keys and store get time to answer once. */
const PATIENCE_MS = 5_000;

export async function explain(options: ExplainOptions, io: CommandIo): Promise<number> {
  const request = await requestOf(options, io);
  if (request === undefined) return EXIT.usage;
  const config = readConfig(options.config, io);
  if (config === undefined) return EXIT.usage;
  const explained = await openExplained(config, PATIENCE_MS);
  try {
    const explanation = await judge(request, explained);
    io.out(options.json === true ? jsonOf(explanation) : textOf(explanation));
    return EXIT.done;
  } finally {
    await explained.stop();
  }
}

async function requestOf(options: ExplainOptions, io: CommandIo): Promise<AuthzRequest | undefined> {
  const headers: (readonly [string, string])[] = [];
  for (const header of options.header) {
    const colon = header.indexOf(":");
    if (colon < 1) {
      io.err("portcullis: --header takes name:value, as in --header 'host: api.example.com'\n");
      return undefined;
    }
    headers.push([header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()]);
  }
  const valuesOf = (name: string): string[] => headers.filter(([key]) => key === name).map(([, value]) => value);
  const authorization = valuesOf("authorization");
  if (options.tokenStdin === true) authorization.push(`Bearer ${(await io.readStdin()).trim()}`);
  return {
    method: options.method,
    host: valuesOf("host")[0] ?? valuesOf(":authority")[0] ?? "",
    path: options.path,
    authorization: authorization.map((value) => Buffer.from(value)),
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

async function judge(request: AuthzRequest, explained: Explained): Promise<Explanation> {
  const { policy } = explained;
  const steps: Step[] = [];
  const tell: Say = (step, result) => void steps.push({ step, result });
  const end = (verdict: Verdict): Explanation => ({ steps, verdict });

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

type Say = (step: string, result: string) => void;

async function judgeToken(
  request: AuthzRequest,
  requirement: Requirement,
  explained: Explained,
  tell: Say,
): Promise<Verdict> {
  const { policy } = explained;
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

  const held = await possess(request, requirement, presented.value, principal, policy, PATIENCE_MS);
  const sender = describeHeld(held);
  if (sender !== undefined) tell("sender", sender);
  if (!held.ok) return held.error;
  return judgeLast({ principal, possession: held.value, requirement, compiled, tier, beganAt }, explained, tell);
}

interface Held extends Pick<Question, "principal" | "possession" | "tier" | "beganAt"> {
  readonly requirement: Requirement;
  readonly compiled: CompiledToken;
}

async function judgeLast({ requirement, compiled, ...held }: Held, explained: Explained, tell: Say): Promise<Verdict> {
  const evidence = await lookUp(compiled, held.tier, explained);
  tell("revocation", `${compiled.subject.keys.join(" ")}: ${describeEvidence(evidence)}`);
  const { scopes: requiredScopes } = requirement;
  const { scopes } = held.principal;
  if (requiredScopes.length > 0) tell("scopes", `needs ${requiredScopes.join(" ")}; has ${scopes.join(" ")}`);
  return decide({ ...held, evidence, requiredScopes, now: systemClock.now() });
}

function tellRule(requirement: Requirement, { config }: Explained, tell: Say): void {
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

function verify(token: Buffer, { policy }: Explained): Promise<Result<VerifiedToken<CompiledToken>, VerifyFailure>> {
  const now = systemClock.now();
  return new Promise((resolve) =>
    policy.verifier.verify(token, now, now.monotonicMs + PATIENCE_MS, undefined, resolve),
  );
}

function lookUp(compiled: CompiledToken, tier: Tier, { policy }: Explained): Promise<Evidence> {
  const now = systemClock.now();
  return new Promise((resolve) =>
    policy.guard.judge(compiled.subject, tier, now, now.monotonicMs + PATIENCE_MS, undefined, resolve),
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

function jsonOf({ steps, verdict }: Explanation): string {
  return `${JSON.stringify({ steps, verdict: outcomeOf(verdict) })}\n`;
}

function textOf({ steps, verdict }: Explanation): string {
  const width = Math.max(...steps.map(({ step }) => step.length));
  const lines = steps.map(({ step, result }) => `${step.padEnd(width)}  ${printable(result)}`);
  const { decision, reason, assurance, http_status: status } = outcomeOf(verdict);
  const why = decision === "allow" ? assurance : `${reason} (HTTP ${status})`;
  return `${lines.join("\n")}\n${"verdict".padEnd(width)}  ${decision}: ${why}\n`;
}
