// One Check from request bytes to response bytes (docs/architecture.md). It asks each room in turn and lets core decide; what
// goes wrong on the way is a denial. It never waits by itself: the verifier and the guard own their deadlines.

import type { Clock, Instant } from "../core/clock.ts";
import { decide, decideAnonymous, decideObserved } from "../core/decide.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Evidence } from "../core/evidence.ts";
import type { Decision } from "../core/observer.ts";
import type { Confirmation, CredentialScheme, Possession } from "../core/possession.ts";
import type { Principal } from "../core/principal.ts";
import type { Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { Span, TraceContext, Tracer } from "../core/tracing.ts";
import { deny, type Allow, type Deny, type Verdict } from "../core/verdict.ts";
import type { VerifyFailure } from "../token/verification.ts";
import type { VerifiedToken } from "../token/verified-token.ts";
import { attestedCredential } from "./attested-credential.ts";
import type { AuthzRequest } from "./authz-request.ts";
import type { AttestedPolicy, CheckPolicy, CompiledToken } from "./check-policy.ts";
import { decisionOf, endSpan, type CheckFacts } from "./check-decision.ts";
import { checkTimeMs } from "./deadline.ts";
import type { JudgedBy } from "./dynamic-metadata.ts";
import type { CompiledIdentity } from "./compiled-identity.ts";
import { readAuthzRequest } from "./request.ts";
import { requirementOf, type Requirement } from "./requirement.ts";
import type { ResponseEncoder } from "./response.ts";
import { isTooOld, tierOf } from "./token-tier.ts";
import { shownBy, type Presented } from "./shown-sender.ts";
import type { WatchedHeaders } from "./watched-headers.ts";

/** What the transport knows of a call. Its trace context comes from the gRPC metadata: Envoy's own span. */
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

/** No proof is made for it. */
const NOT_PRESENTED: Presented = { scheme: "Bearer", token: Buffer.alloc(0) };

export class Check implements CheckFacts {
  private readonly around: CheckSurroundings;
  private readonly loaded: LoadedPolicy;
  private readonly reply: (response: Buffer) => void;
  readonly beganAt: Instant;
  private readonly deadlineAtMs: number;
  span: Span | undefined;
  request: AuthzRequest | undefined;
  requirement: Requirement | undefined;
  /** The strictest that is known by now. */
  private tier: Tier | undefined;
  private issuerId: string | undefined;
  principal: Principal | undefined;
  private scheme: CredentialScheme;
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
    this.scheme = "Bearer";
    this.isAnswered = false;
  }

  judge(bytes: Buffer, call: CheckCall): void {
    try {
      this.judgeRequest(bytes, call);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Refuses without judging the request. */
  turnAway(reason: DenyReason, bytes: Buffer): void {
    try {
      // What goes through all the same must be rid of the same headers.
      if (this.loaded.policy.mode === "observe") this.request = readAuthzRequest(bytes, this.loaded.watched);
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
    if (policy.attested !== undefined) return this.judgeAttested(request, requirement, policy.attested);
    this.judgeCredential(request, requirement);
  }

  /** Tokens that Envoy has verified; what else comes is of issuers whose tokens are verified here, if there are any. */
  private judgeAttested(request: AuthzRequest, requirement: Requirement, attested: AttestedPolicy): void {
    const found = attestedCredential(request, this.loaded.policy, attested);
    if (found.kind === "refused") return this.refuse(found.reason);
    if (found.kind === "none") return this.judgeCredential(request, requirement);
    const { scheme, token } = found.presented ?? NOT_PRESENTED;
    this.scheme = scheme;
    const outcome = attested.tokens.admit(found.attestation, found.presented?.token, this.beganAt);
    this.verified(outcome, token, requirement, this.beganAt);
  }

  private judgeCredential(request: AuthzRequest, requirement: Requirement): void {
    const token = this.loaded.policy.bearerToken(request.authorization);
    if (token.ok) this.verify(token.value, requirement, requirement.tier.maxStalenessMs);
    else this.judgeDpop(request, requirement, token.error);
  }

  /** What carries no bearer token: refused, unless it carries one with a proof (RFC 9449 §7.1), and one proof. */
  private judgeDpop(request: AuthzRequest, requirement: Requirement, otherwise: DenyReason): void {
    const token = this.loaded.policy.sender.dpop?.token(request.authorization);
    if (token === undefined || !token.ok) return this.refuse(otherwise);
    if (request.sender().proofs.length !== 1) return this.refuse("malformed_request");
    this.scheme = "DPoP";
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
        if (maxAgeMs > 0 && isTooOld(outcome, requirement, this.beganAt, now))
          return this.verify(token, requirement, 0);
        this.verified(outcome, token, requirement, now);
      } catch (error) {
        this.fail(error);
      }
    };
    verifier.verify(token, this.beganAt, this.deadlineAtMs, this.span, done, maxAgeMs);
    isLater = true;
  }

  private verified(
    outcome: Result<VerifiedToken<CompiledToken>, VerifyFailure>,
    token: Buffer,
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
    const { confirmation } = principal;
    if (this.scheme === "DPoP" && confirmation?.jkt === undefined) this.refuse("malformed_request");
    else if (confirmation !== undefined) this.askPossession(outcome.value, confirmation, token, tier, now);
    else this.askGuard(principal, compiled, tier, undefined, now);
  }

  /** Of bound tokens: whoever presents it must hold what it is bound to. */
  private askPossession(
    { principal, compiled }: VerifiedToken<CompiledToken>,
    confirmation: Confirmation,
    token: Buffer,
    tier: Tier,
    askedAt: Instant,
  ): void {
    const { request, scheme } = this;
    const { judge, dpop } = this.loaded.policy.sender;
    if (request === undefined) return this.refuse("internal_error");
    const shown = shownBy(request, { scheme, token }, this.requirement?.path, dpop?.scheme ?? "asSeen");
    let isLater = false;
    judge.judge(confirmation, shown, askedAt, this.deadlineAtMs, (outcome) => {
      try {
        if (!outcome.ok) return this.deny(deny(outcome.error.reason, outcome.error));
        const now = isLater ? this.around.clock.now() : askedAt;
        this.askGuard(principal, compiled, tier, outcome.value, now);
      } catch (error) {
        this.fail(error);
      }
    });
    isLater = true;
  }

  private askGuard(
    principal: Principal,
    compiled: CompiledToken,
    tier: Tier,
    possession: Possession | undefined,
    askedAt: Instant,
  ): void {
    const requiredScopes = this.requirement?.scopes ?? [];
    let isLater = false;
    const done = (evidence: Evidence): void => {
      try {
        // What memory said at once is as old as it was when asked; an answer that took time is judged by now.
        const now = isLater ? this.around.clock.now() : askedAt;
        const { beganAt } = this;
        const question = { principal, possession, evidence, tier, requiredScopes, beganAt, now };
        this.answer(decide(question), compiled.identity, possession?.nextNonce);
      } catch (error) {
        this.fail(error);
      }
    };
    this.loaded.policy.guard.judge(compiled.subject, tier, askedAt, this.deadlineAtMs, this.span, done);
    isLater = true;
  }

  private answer(verdict: Verdict, identity: CompiledIdentity, nextNonce: string | undefined): void {
    switch (verdict.kind) {
      case "allow":
        return this.allow(verdict, identity, nextNonce);
      case "deny":
        return this.deny(verdict);
    }
  }

  private allow(verdict: Allow, identity: CompiledIdentity, nextNonce?: string): void {
    const spoofedNames = this.request?.spoofedNames ?? [];
    const by = this.judgedBy();
    const identityFields = identity.okFields(verdict.assurance, this.beganAt.wallMs);
    this.send(this.loaded.responses.allow(verdict, identityFields, by, spoofedNames, nextNonce), verdict, by);
  }

  private deny(verdict: Deny): void {
    const { policy, responses } = this.loaded;
    // Refused, and let through unnamed: an upstream must take nobody for whom we would have turned away.
    if (policy.mode === "observe") return this.allow(decideObserved(verdict), policy.identity.anonymous);
    const by = this.judgedBy();
    this.send(responses.deny(verdict, by, this.scheme), verdict, by);
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
      const decision = decisionOf(verdict, by, this, this.around.clock.now());
      try {
        if (this.span !== undefined) endSpan(this.span, decision);
      } finally {
        this.around.ended(decision, this.loaded.policy); // frees the place in the bulkhead, whatever telemetry does
      }
    }
  }
}
