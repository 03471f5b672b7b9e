// A Check handler whose neighbours are doubles that a test turns by hand: clock, verifier, guard, observer. Routes,
// codec, decision and answers are the real ones.

import type { Instant } from "../../src/core/clock.ts";
import type { DenyReason } from "../../src/core/deny-reason.ts";
import type { Evidence } from "../../src/core/evidence.ts";
import type { Decision, Observer } from "../../src/core/observer.ts";
import type { PrincipalFacts } from "../../src/core/principal.ts";
import type { Tier } from "../../src/core/tier.ts";
import type { Span } from "../../src/core/tracing.ts";
import type { CheckCall } from "../../src/ext-authz/check.ts";
import { createCheckHandler, type CheckHandler } from "../../src/ext-authz/check-handler.ts";
import type { CheckPolicy } from "../../src/ext-authz/check-policy.ts";
import { compileIdentity, compileIdentityPolicy } from "../../src/ext-authz/identity.ts";
import { compileRoutes, type RouteRule } from "../../src/policy/route.ts";
import { compileTiers } from "../../src/policy/tier.ts";
import { createBulkhead } from "../../src/resilience/bulkhead.ts";
import { subjectOf } from "../../src/revocation/subject.ts";
import { bearerToken, isDamaged } from "../../src/token/bearer.ts";
import { createPossessionJudge, type PossessionOptions } from "../../src/token/possession.ts";
import { decodeCheckResponse, metadataOf, type CheckResponseMessage } from "./ext-authz-proto.ts";
import { principalOf } from "./principal.ts";

export const CRITICAL: Tier = { name: "critical", rank: 0, maxStalenessMs: 0, failOpenForMs: 0 };
export const STANDARD: Tier = { name: "standard", rank: 1, maxStalenessMs: 2_000, failOpenForMs: 0 };
export const LOW: Tier = { name: "low", rank: 2, maxStalenessMs: 30_000, failOpenForMs: 300_000 };

/** Of tokens that come with a proof; the bench's principals are bound to nothing unless a test says so. */
const PROOFS: PossessionOptions = {
  algorithms: ["ES256"],
  maxAgeMs: 60_000,
  clockSkewMs: 0,
  maxSeenProofs: 1_000,
  nonceRequired: false,
  nonceSecret: undefined,
  maxWaiting: 10,
  clock: { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) },
};

export const NO_CALL: CheckCall = { grpcTimeoutMs: undefined, traceparent: undefined, tracestate: undefined };

export function rule(facts: Partial<RouteRule> & { readonly path: string }): RouteRule {
  return {
    name: undefined,
    host: undefined,
    methods: undefined,
    tier: undefined,
    scopes: [],
    anonymous: false,
    ...facts,
  };
}

export interface Asked<Answer> {
  readonly now: Instant;
  readonly deadlineAtMs: number;
  readonly span: Span | undefined;
  readonly answer: (answer: Answer) => void;
}

/** What the verifier double says: a principal, a reason, "later" (through `verifications`), or it throws. */
export type Verification = Partial<PrincipalFacts> | DenyReason | "later" | Error;

export interface BenchOptions {
  readonly rules: readonly RouteRule[];
  readonly verification: Verification;
  /** "later": through `judgements`. */
  readonly evidence: Evidence | "later" | Error;
  readonly policy: Partial<CheckPolicy>;
  readonly maxInFlight: number;
  readonly span: Span | undefined;
  readonly observerThrows: boolean;
}

export interface CheckBench {
  readonly handler: CheckHandler;
  readonly policy: CheckPolicy;
  readonly decisions: Decision[];
  readonly revokedKinds: string[];
  readonly logged: { readonly event: string; readonly fields: unknown }[];
  readonly traces: { readonly traceparent: string | undefined; readonly tracestate: string | undefined }[];
  readonly tokens: string[];
  readonly verifications: Asked<Partial<PrincipalFacts> | DenyReason>[];
  readonly judgements: (Asked<Evidence> & { readonly tier: Tier })[];
  now(): Instant;
  /** Moves both clocks on. */
  pass(ms: number): void;
  /** All answers to one request: exactly one, or the product is broken. */
  answersTo(request: Buffer, call?: CheckCall): Buffer[];
  /** The answer, which must have come by now. */
  check(request: Buffer, call?: CheckCall): CheckResponseMessage;
}

export function createCheckBench(options: Partial<BenchOptions> = {}): CheckBench {
  const { verification = {}, maxInFlight = 10, span, observerThrows = false } = options;
  let at = 1_000_000;
  const now = (): Instant => ({ monotonicMs: at, wallMs: 1_700_000_000_000 + at });
  const bench = {
    decisions: [] as Decision[],
    revokedKinds: [] as string[],
    logged: [] as { event: string; fields: unknown }[],
    traces: [] as { traceparent: string | undefined; tracestate: string | undefined }[],
    tokens: [] as string[],
    verifications: [] as Asked<Partial<PrincipalFacts> | DenyReason>[],
    judgements: [] as (Asked<Evidence> & { tier: Tier })[],
  };
  const tiers = compileTiers([CRITICAL, STANDARD, LOW], [{ scope: "payments:*", tier: CRITICAL }]);
  const routes = compileRoutes(options.rules ?? [rule({ path: "/**", tier: LOW })], CRITICAL);
  if (!routes.ok) throw new Error(JSON.stringify(routes.error));
  const identity = compileIdentityPolicy({ headers: new Map([["x-auth-subject", "sub"]]), forwardToken: true });

  const policy: CheckPolicy = {
    routes: routes.value,
    tiers,
    ambiguousPaths: "refuse",
    identity,
    mode: "enforce",
    bearerToken,
    sender: { judge: createPossessionJudge(PROOFS), dpop: undefined },
    attested: undefined,
    verifier: {
      verify(token, asOf, deadlineAtMs, parent, done) {
        // As the real one: before anything of it is looked at.
        if (isDamaged(token)) return done({ ok: false, error: { reason: "malformed_request", issuerId: undefined } });
        bench.tokens.push(token.toString());
        if (verification instanceof Error) throw verification;
        const answer = (said: Partial<PrincipalFacts> | DenyReason): void => {
          if (typeof said === "string") return done({ ok: false, error: { reason: said, issuerId: "main" } });
          const principal = principalOf(said);
          const compiled = compileIdentity(principal, policy.identity);
          if (!compiled.ok) return done({ ok: false, error: { reason: compiled.error, issuerId: "main" } });
          const subject = subjectOf(principal, "", token.toString(), 0);
          const floor = policy.tiers.floorOf(principal.scopes);
          done({ ok: true, value: { principal, compiled: { subject, identity: compiled.value, floor } } });
        };
        bench.verifications.push({ now: asOf, deadlineAtMs, span: parent, answer });
        if (verification !== "later") answer(verification);
      },
    },
    guard: {
      judge(_subject, tier, asOf, deadlineAtMs, parent, done) {
        const { evidence = { state: "active", source: "recent", asOf } } = options;
        bench.judgements.push({ tier, now: asOf, deadlineAtMs, span: parent, answer: done });
        if (evidence instanceof Error) throw evidence;
        if (evidence !== "later") done(evidence);
      },
    },
    admission: createBulkhead(maxInFlight),
    deadlineMs: 150,
    realm: "test",
    ...options.policy,
  };
  const observer: Pick<Observer, "decided" | "revokedTokenAttempted"> = {
    decided(decision) {
      bench.decisions.push(decision);
      if (observerThrows) throw new Error("telemetry is broken");
    },
    revokedTokenAttempted: (kind) => bench.revokedKinds.push(kind),
  };
  const handler = createCheckHandler({
    clock: { now },
    observer,
    log: { error: (event, fields) => void bench.logged.push({ event, fields }) },
    tracer: {
      start(_name, { traceparent, tracestate }) {
        bench.traces.push({ traceparent, tracestate });
        return span;
      },
    },
    policy,
  });

  const answersTo = (request: Buffer, call: CheckCall = NO_CALL): Buffer[] => {
    const answers: Buffer[] = [];
    handler.check(request, call, (response) => answers.push(response));
    return answers;
  };
  return {
    ...bench,
    handler,
    policy,
    now,
    pass: (ms) => void (at += ms),
    answersTo,
    check(request, call) {
      const [answer, ...further] = answersTo(request, call);
      if (answer === undefined || further.length > 0) throw new Error(`${further.length + (answer ? 1 : 0)} answers`);
      return decodeCheckResponse(answer);
    },
  };
}

/** "allow", or the reason of the denial. */
export function outcomeOf(response: CheckResponseMessage): unknown {
  const { decision, reason } = metadataOf(response);
  const isOk = response.http_response === "ok_response" && response.status?.code === undefined;
  if ((decision === "allow") !== isOk) throw new Error("status and metadata contradict each other");
  return decision === "allow" ? "allow" : reason;
}
