// One Check from request bytes to response bytes (design §2). It asks each room in turn and lets core decide; what
// goes wrong on the way is a denial. It never waits by itself: the verifier and the guard own their deadlines.

import { ageMs, type Clock, type Instant } from "../core/clock.ts";
import { decide, decideAnonymous } from "../core/decide.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Decision } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import type { Result } from "../core/result.ts";
import { stricter, type Tier } from "../core/tier.ts";
import type { Span, TraceContext, Tracer } from "../core/tracing.ts";
import { deny, type Allow, type Deny, type Verdict } from "../core/verdict.ts";
import type { VerifyFailure } from "../token/verification.ts";
import type { VerifiedToken } from "../token/verifier.ts";
import type { AuthzRequest } from "./authz-request.ts";
import type { CheckPolicy, CompiledToken } from "./check-policy.ts";
import { checkTimeMs } from "./deadline.ts";
import type { JudgedBy } from "./dynamic-metadata.ts";
import type { CompiledIdentity } from "./identity.ts";
import { readAuthzRequest } from "./request.ts";
import { requirementOf, type Requirement } from "./requirement.ts";
import type { ResponseEncoder } from "./response.ts";
import type { WatchedHeaders } from "./watched-headers.ts";

/** What the transport knows of a call. Its trace context comes from the gRPC metadata: Envoy's own span (traps.md 13). */
export interface CheckCall extends TraceContext {
  /** What is left of the caller's `grpc-timeout`; undefined: it set none. */
  readonly grpcTimeoutMs: number | undefined;
}

/** A policy, and what this room compiles of it. */
export interface LoadedPolicy {
  readonly policy: CheckPolicy;
  readonly watched: WatchedHeaders;
  readonly responses: ResponseEncoder;
}

/** What outlives a reload, and where a Check ends. */
export interface CheckSurroundings {
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Called once per Check, after its answer was handed over. Never throws. */
  ended(decision: Decision, policy: CheckPolicy): void;
  /** An exception was turned into a denial. Never throws. */
  failed(error: unknown): void;
}

export class Check {
  private readonly around: CheckSurroundings;
  private readonly loaded: LoadedPolicy;
  private readonly reply: (response: Buffer) => void;
  private readonly beganAt: Instant;
  private readonly deadlineAtMs: number;
  private span: Span | undefined;
  private request: AuthzRequest | undefined;
  private requirement: Requirement | undefined;
  /** The strictest that is known by now. */
  private tier: Tier | undefined;
  private issuerId: string | undefined;
  private principal: Principal | undefined;
  private isAnswered: boolean;

  constructor(
    around: CheckSurroundings,
    loaded: LoadedPolicy,
    grpcTimeoutMs: number | undefined,
    reply: (response: Buffer) => void,
  ) {
    this.around = around;
    this.loaded = loaded;
    this.reply = reply;
    this.beganAt = around.clock.now();
    this.deadlineAtMs = this.beganAt.monotonicMs + checkTimeMs(loaded.policy.deadlineMs, grpcTimeoutMs);
    this.isAnswered = false;
  }

  judge(bytes: Buffer, call: CheckCall): void {
    try {
      this.judgeRequest(bytes, call);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Refuses without looking at the request. */
  turnAway(reason: DenyReason): void {
    try {
      this.refuse(reason);
    } catch (error) {
      this.fail(error);
    }
  }

  private judgeRequest(bytes: Buffer, call: CheckCall): void {
    const { policy, watched } = this.loaded;
    const request = readAuthzRequest(bytes, watched);
    this.span = this.startSpan(call, request);
    if (request === undefined) return this.refuse("malformed_request");
    this.request = request;
    const requirement = requirementOf(request, policy);
    this.requirement = requirement;
    if (requirement.refusal !== undefined) return this.refuse(requirement.refusal);
    if (requirement.anonymous) return this.allow(decideAnonymous(), policy.identity.anonymous);
    this.tier = requirement.tier;
    const token = policy.bearerToken(request.authorization);
    if (!token.ok) return this.refuse(token.error);
    this.verify(token.value, requirement, requirement.tier.maxStalenessMs);
  }

  private refuse(reason: DenyReason): void {
    this.deny(deny(reason));
  }

  private startSpan(call: CheckCall, request: AuthzRequest | undefined): Span | undefined {
    const source = call.traceparent === undefined && request !== undefined ? request : call;
    return this.around.tracer.start("check", source);
  }

  /** `maxAgeMs`: of the issuer's word, where it has to be asked for one. */
  private verify(token: Buffer, requirement: Requirement, maxAgeMs: number): void {
    const { verifier } = this.loaded.policy;
    let isLater = false;
    const done = (outcome: Result<VerifiedToken<CompiledToken>, VerifyFailure>): void => {
      try {
        const now = isLater ? this.around.clock.now() : this.beganAt;
        if (maxAgeMs > 0 && this.isTooOld(outcome, requirement, now)) return this.verify(token, requirement, 0);
        this.verified(outcome, requirement, now);
      } catch (error) {
        this.fail(error);
      }
    };
    verifier.verify(token, this.beganAt, this.deadlineAtMs, this.span, done, maxAgeMs);
    isLater = true;
  }

  /** Whether the token's own scopes ask for a younger word of its issuer than the route does. */
  private isTooOld(
    outcome: Result<VerifiedToken<CompiledToken>, VerifyFailure>,
    requirement: Requirement,
    now: Instant,
  ): boolean {
    if (!outcome.ok || outcome.value.principal.assertion === undefined) return false;
    const { asOf, isUnanswered } = outcome.value.principal.assertion;
    const { maxStalenessMs } = tierOf(outcome.value.compiled, requirement);
    return !isUnanswered && asOf.monotonicMs < this.beganAt.monotonicMs && !(ageMs(asOf, now) < maxStalenessMs);
  }

  private verified(
    outcome: Result<VerifiedToken<CompiledToken>, VerifyFailure>,
    requirement: Requirement,
    now: Instant,
  ): void {
    if (!outcome.ok) {
      this.issuerId = outcome.error.issuerId;
      return this.refuse(outcome.error.reason);
    }
    const { principal, compiled } = outcome.value;
    const tier = tierOf(compiled, requirement);
    this.tier = tier;
    this.principal = principal;
    this.issuerId = principal.issuerId;
    this.askGuard(principal, compiled, tier, now);
  }

  private askGuard(principal: Principal, compiled: CompiledToken, tier: Tier, askedAt: Instant): void {
    const requiredScopes = this.requirement?.scopes ?? [];
    let isLater = false;
    const done = (evidence: Evidence): void => {
      try {
        // What memory said at once is as old as it was when asked; an answer that took time is judged by now.
        const now = isLater ? this.around.clock.now() : askedAt;
        const { beganAt } = this;
        this.answer(decide({ principal, evidence, tier, requiredScopes, beganAt, now }), compiled.identity);
      } catch (error) {
        this.fail(error);
      }
    };
    this.loaded.policy.guard.judge(compiled.subject, tier, askedAt, this.deadlineAtMs, this.span, done);
    isLater = true;
  }

  private answer(verdict: Verdict, identity: CompiledIdentity): void {
    switch (verdict.kind) {
      case "allow":
        return this.allow(verdict, identity);
      case "deny":
        return this.deny(verdict);
    }
  }

  private allow(verdict: Allow, identity: CompiledIdentity): void {
    const spoofedNames = this.request?.spoofedNames ?? [];
    const by = this.judgedBy();
    this.send(this.loaded.responses.allow(verdict, identity, by, spoofedNames), verdict, by);
  }

  private deny(verdict: Deny): void {
    const by = this.judgedBy();
    this.send(this.loaded.responses.deny(verdict, by), verdict, by);
  }

  private judgedBy(): JudgedBy {
    return { tier: this.tier?.name, rule: this.requirement?.rule, issuerId: this.issuerId };
  }

  /** The last catch: whatever went wrong, the answer is no. */
  private fail(error: unknown): void {
    this.around.failed(error);
    if (!this.isAnswered) this.refuse("internal_error");
  }

  /** The one place where an answer leaves; a second one, from a room that calls back twice, does not. */
  private send(response: Buffer, verdict: Verdict, by: JudgedBy): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    try {
      this.reply(response);
    } finally {
      const decision = this.decisionOn(verdict, by);
      try {
        this.endSpan(decision);
      } finally {
        this.around.ended(decision, this.loaded.policy); // frees the place in the bulkhead, whatever telemetry does
      }
    }
  }

  private endSpan(decision: Decision): void {
    const { span } = this;
    if (span === undefined) return;
    span.set("portcullis.decision", decision.outcome);
    span.set("portcullis.reason", decision.reason);
    if (decision.tier !== undefined) span.set("portcullis.tier", decision.tier);
    if (decision.assurance !== undefined) span.set("portcullis.assurance", decision.assurance);
    if (decision.rule !== undefined) span.set("portcullis.rule", decision.rule);
    span.end();
  }

  private decisionOn(verdict: Verdict, { tier, rule, issuerId }: JudgedBy): Decision {
    const isAllow = verdict.kind === "allow";
    const endedAt = this.around.clock.now();
    return {
      outcome: verdict.kind,
      reason: isAllow ? "ok" : verdict.reason,
      tier,
      assurance: isAllow ? verdict.assurance : undefined,
      stalenessMs: isAllow ? verdict.stalenessMs : undefined,
      issuerId,
      rule,
      revokedBy: isAllow ? undefined : verdict.revokedBy,
      endedAt,
      durationMs: endedAt.monotonicMs - this.beganAt.monotonicMs,
      method: this.request?.method,
      path: this.requirement?.path,
      subject: this.principal?.subject,
      traceId: this.span?.traceId,
    };
  }
}

/** The strictest of the request's and of the token's own scopes. */
function tierOf({ floor }: CompiledToken, { tier }: Requirement): Tier {
  return floor === undefined ? tier : stricter(tier, floor);
}
