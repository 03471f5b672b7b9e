// Verifies opaque tokens by asking their issuer, within bounds: what was said is used again for as long as a caller may
// have it, callers of one token share a question that was not yet sent, and an issuer that is out is left alone. It never
// says "good" without an age.

import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { DenyReason } from "../../core/deny-reason.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Principal } from "../../core/principal.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { Span } from "../../core/tracing.ts";
import type { Breaker, Permit } from "../../resilience/breaker.ts";
import { patienceOf } from "../../resilience/patience.ts";
import { judgeTimes, mintAsserted, unanswered } from "../claims.ts";
import type { Issuer } from "../issuer.ts";
import { nestedBytes } from "../nested-bytes.ts";
import type { VerifyFailure } from "../verification.ts";
import type { VerifiedToken, VerifyDone } from "../verified-token.ts";
import type { Introspect, IntrospectionAnswer } from "./introspection.ts";

export interface OpaqueTokensOptions<T> {
  readonly issuer: Issuer;
  readonly introspect: Introspect;
  /** Of one question. */
  readonly timeoutMs: number;
  /** Questions at once, of all tokens. */
  readonly maxAtOnce: number;
  /** How many good tokens are remembered; 0: none, and the issuer is asked each time. */
  readonly rememberedTokens: number;
  readonly breaker: Breaker;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: Pick<Observer, "introspected">;
  /** As a verifier's. */
  readonly compile: (principal: Principal, tokenDigest: string) => Result<T, "claim_invalid">;
}

export interface OpaqueTokens<T> {
  /** As Verifier.verify; `maxAgeMs`: how old the issuer's word may be, 0: it is asked. */
  verify(
    token: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
    maxAgeMs: number,
  ): void;
}

/** What the issuer said of a token: good, or a reason against it. */
interface Said<T> {
  readonly askedAt: Instant;
  readonly outcome: Result<VerifiedToken<T>, DenyReason>;
  /** In memory, about. */
  readonly sizeBytes: number;
}

/** One question on its way. */
interface Flight<T> {
  /** Undefined: not sent yet, so whoever joins it is asked for. */
  askedAt: Instant | undefined;
  readonly waiters: ((said: Said<T> | DenyReason) => void)[];
}

/** As a revoked answer is (revocation/guard.ts): a refusal is used again this long, so that what is good again shows soon. */
const REFUSED_REUSE_MS = 1_000;
/** About 300 B each; strangers' tokens push out each other only. */
const MAX_REFUSED = 10_000;
/** Of the questions at once, those about tokens that were never good here: a flood of made-up ones leaves room. */
const STRANGERS_SHARE = 0.75;
/** Before a caller's own deadline: time to answer. */
const MARGIN_MS = 5;
/** What an answer takes beside its text: principal, identity, revocation subject. */
const ENTRY_BASE_BYTES = 4_096;
/** On average; larger ones take fewer entries, not more memory. */
const BYTES_PER_TOKEN = 8_192;

export function createOpaqueTokens<T>(options: OpaqueTokensOptions<T>): OpaqueTokens<T> {
  return new AskedTokens(options);
}

class AskedTokens<T> implements OpaqueTokens<T> {
  readonly #options: OpaqueTokensOptions<T>;
  readonly #good: LRUCache<string, Said<T>> | undefined;
  readonly #refused = new LRUCache<string, Said<T>>({ max: MAX_REFUSED });
  readonly #flights = new Map<string, Flight<T>>();
  #inFlight = 0;
  #isOut = false;

  constructor(options: OpaqueTokensOptions<T>) {
    this.#options = options;
    const { rememberedTokens: max } = options;
    this.#good = max === 0 ? undefined : new LRUCache({ max, maxSize: max * BYTES_PER_TOKEN });
  }

  verify(
    token: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
    maxAgeMs: number,
  ): void {
    const { clock, issuer } = this.#options;
    const digest = hash("sha256", token, "base64url");
    const known = this.#known(digest);
    const reuseMs = known?.outcome.ok === false ? REFUSED_REUSE_MS : maxAgeMs;
    // Strict: 0 s is never answered from memory.
    if (known !== undefined && ageMs(known.askedAt, now) < reuseMs) return done(this.#answer(known, now));
    const askSpan = span?.child("introspect");
    let isOver = false;
    const finish = (said: Said<T> | DenyReason): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      if (typeof said === "string") askSpan?.fail(said);
      askSpan?.end();
      const at = clock.now();
      if (typeof said !== "string") return done(this.#answer(said, at));
      done(said === "keys_unavailable" ? this.#withoutAnswer(digest, at) : err({ reason: said, issuerId: issuer.id }));
    };
    const waitMs = Math.max(0, deadlineAtMs - MARGIN_MS - clock.now().monotonicMs);
    // An answer that lies there already, for the loop was held, gets its turn first.
    const late = (): void =>
      void setImmediate(() => finish(wasAsked(flight, deadlineAtMs) ? "keys_unavailable" : "overloaded"));
    const timer = setTimeout(late, waitMs);
    const flight = this.#join(digest, token, now, maxAgeMs, finish);
  }

  /** The newest word on the token. */
  #known(digest: string): Said<T> | undefined {
    return this.#refused.get(digest) ?? this.#good?.get(digest);
  }

  /** Undefined: the waiter was told at once. */
  #join(
    digest: string,
    token: Buffer,
    now: Instant,
    maxAgeMs: number,
    waiter: (said: Said<T> | DenyReason) => void,
  ): Flight<T> | undefined {
    const flight = this.#flights.get(digest);
    if (flight !== undefined && (flight.askedAt === undefined || ageMs(flight.askedAt, now) < maxAgeMs)) {
      flight.waiters.push(waiter);
      return flight;
    }
    const { breaker, maxAtOnce } = this.#options;
    const isStranger = this.#good?.has(digest) !== true;
    if (this.#inFlight >= (isStranger ? Math.ceil(maxAtOnce * STRANGERS_SHARE) : maxAtOnce)) {
      waiter("overloaded");
      return undefined;
    }
    const permit = breaker.tryAcquire(now.monotonicMs);
    if (permit === undefined) {
      waiter("keys_unavailable");
      return undefined;
    }
    const begun: Flight<T> = { askedAt: undefined, waiters: [waiter] };
    this.#flights.set(digest, begun);
    this.#inFlight += 1;
    const copy = Buffer.from(token);
    // In the next turn, so that calls of this one share it.
    setImmediate(() => void this.#fly(digest, copy, begun, permit));
    return begun;
  }

  async #fly(digest: string, token: Buffer, flight: Flight<T>, permit: Permit): Promise<void> {
    const { breaker, clock, introspect, issuer, observer, timeoutMs } = this.#options;
    const askedAt = clock.now();
    flight.askedAt = askedAt;
    const patience = patienceOf(timeoutMs);
    const answer = await introspect(token, patience.signal);
    patience.end();
    const now = clock.now();
    this.#inFlight -= 1;
    if (this.#flights.get(digest) === flight) this.#flights.delete(digest);
    if (answer.ok || !answer.error.isIssuers) breaker.succeed(permit, now.monotonicMs);
    else breaker.fail(permit, now.monotonicMs);
    this.#tell(answer.ok ? undefined : answer.error.why);
    observer.introspected(issuer.id, answer.ok ? (answer.value === undefined ? "inactive" : "active") : "error");
    const said = answer.ok ? this.#remember(digest, this.#saidOf(digest, answer.value, askedAt, now)) : undefined;
    for (const waiter of flight.waiters) waiter(said ?? "keys_unavailable");
  }

  #saidOf(digest: string, answer: IntrospectionAnswer, askedAt: Instant, now: Instant): Said<T> {
    const refused = (reason: DenyReason): Said<T> => ({ askedAt, outcome: err(reason), sizeBytes: 0 });
    if (answer === undefined) return refused("revoked");
    const { compile, issuer } = this.#options;
    try {
      const principal = mintAsserted(answer.members, issuer, askedAt, now.wallMs);
      if (!principal.ok) return refused(principal.error);
      const compiled = compile(principal.value, digest);
      if (!compiled.ok) return refused(compiled.error);
      const sizeBytes = ENTRY_BASE_BYTES + 2 * answer.textBytes + nestedBytes(answer.members);
      return { askedAt, outcome: ok({ principal: principal.value, compiled: compiled.value }), sizeBytes };
    } catch {
      return refused("internal_error");
    }
  }

  /** A late answer never overwrites what a newer one said: what is newest is given back. */
  #remember(digest: string, said: Said<T>): Said<T> {
    const known = this.#known(digest);
    if (known !== undefined && known.askedAt.monotonicMs > said.askedAt.monotonicMs) return known;
    if (said.outcome.ok) {
      this.#refused.delete(digest);
      this.#good?.set(digest, said, { size: said.sizeBytes });
    } else {
      this.#good?.delete(digest);
      this.#refused.set(digest, said);
    }
    return said;
  }

  /** A token ages by itself between two questions. */
  #answer({ outcome }: Said<T>, now: Instant): Result<VerifiedToken<T>, VerifyFailure> {
    const { issuer } = this.#options;
    if (!outcome.ok) return err({ reason: outcome.error, issuerId: issuer.id });
    const time = judgeTimes(outcome.value.principal, issuer.clockSkewMs, now.wallMs);
    return time === undefined ? outcome : err({ reason: time, issuerId: issuer.id });
  }

  /** The last word, marked as such, for the tier to judge; a token that was refused stays refused. */
  #withoutAnswer(digest: string, now: Instant): Result<VerifiedToken<T>, VerifyFailure> {
    const known = this.#known(digest);
    if (known === undefined) return err({ reason: "keys_unavailable", issuerId: this.#options.issuer.id });
    const answer = this.#answer(known, now);
    return answer.ok ? ok({ ...answer.value, principal: unanswered(answer.value.principal) }) : answer;
  }

  /** Once when it goes out, and once when it is back. */
  #tell(why: string | undefined): void {
    const { issuer, log } = this.#options;
    if (this.#isOut === (why !== undefined)) return;
    this.#isOut = why !== undefined;
    if (why === undefined) log.info("introspection_answered_again", { issuer: issuer.id });
    else log.warn("introspection_not_answered", { issuer: issuer.id, why });
  }
}

/** In time: else it was our own load that kept it from being asked, which says nothing about the issuer. */
function wasAsked<T>(flight: Flight<T> | undefined, deadlineAtMs: number): boolean {
  return flight?.askedAt !== undefined && flight.askedAt.monotonicMs < deadlineAtMs;
}
