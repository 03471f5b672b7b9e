// Verifies a bearer token: cache by the whole token, else anew. Every hit judges times and key again.

import { hash } from "node:crypto";
import type { Clock, Instant } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { createTokenMemory, type TokenMemory } from "../core/token-memory.ts";
import type { Span } from "../core/tracing.ts";
import { createLoopShare, type LoopShare } from "../resilience/loop-share.ts";
import { inOwnMemory } from "../resilience/own-memory.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { ACCESS_TOKEN, judgeTimes, withClaims } from "./claims.ts";
import { isKeyCurrent } from "./found-good.ts";
import { refuseDuplicates, type Issuer } from "./issuer.ts";
import { KnownToken } from "./known-token.ts";
import { nestedBytes } from "./nested-bytes.ts";
import { NewToken } from "./new-token.ts";
import { OnceSeenRecords, type OnceSeen } from "./once-seen.ts";
import { STATUS_CLAIM } from "./status/status-reference.ts";
import type { StatusLists } from "./status/status-lists.ts";
import { createTokenCache, type TokenCache } from "./token-cache.ts";
import type { OpaqueIssuers } from "./opaque/opaque-issuers.ts";
import type { OpaqueTokens } from "./opaque/opaque-tokens.ts";
import { createVerification, type Verification, type Verified, type VerifyFailure } from "./verification.ts";
import type { VerifiedToken, VerifyDone } from "./verified-token.ts";

export interface Verifier<T> {
  /**
   * Calls `done` exactly once: before returning on a cache hit, and for algorithms verified on the loop while the turn's
   * share of it lasts; otherwise at the latest about `deadlineAtMs` (monotonic clock). Never throws, and a bug of any room on the way is
   * `internal_error`; `done` must not throw either. `token` is whatever stood behind the scheme: bytes
   * that no token can have are `malformed_request`. It must not change until `done` was called, and is not kept. `now` is the
   * Check's own reading. `maxAgeMs`: how old an issuer's word on an opaque token may be; left out or 0: it is asked.
   */
  verify(
    token: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
    maxAgeMs?: number,
  ): void;
}

/** A token that is remembered, and when it was last found good. On the monotonic clock, in ms. */
export interface RememberedToken<T> extends VerifiedToken<T> {
  readonly seenAtMs: number;
}

/** A verifier that tells what it remembers. */
export interface RememberingVerifier<T> extends Verifier<T> {
  /** The one seen last comes first. */
  remembered(): Iterable<RememberedToken<T>>;
  /** All that were seen later are remembered, those aside that are good no more. On the monotonic clock, in ms. */
  rememberedSinceMs(): number;
}

export interface VerifierOptions<T> {
  /** Each `issuer` and each `id` once. */
  readonly issuers: readonly Issuer[];
  readonly maxTokenBytes: number;
  /** How many verified tokens are remembered; 0: none. Their bytes are bounded with them. */
  readonly verifiedTokens: number;
  /** How many new tokens may wait for a turn of the event loop; the next one is `overloaded` at once. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  /** VERIFY_MS_PER_TURN unless a test says otherwise. */
  readonly verifyMsPerTurn?: VerifyMsPerTurn;
  readonly observer: Pick<Observer, "verified" | "verifiedTokenCache" | "issuerClockAhead">;
  /**
   * What other rooms need of a token: made when it is verified, and once more when it comes again. `tokenDigest` is the
   * base64url SHA-256 of its signing input: equal for equal tokens (the (r, n−s) twin of an ECDSA signature included),
   * never the token. `memory` is the same both times.
   */
  readonly compile: (principal: Principal, tokenDigest: string, memory?: TokenMemory) => Result<T, "claim_invalid">;
  /**
   * The only claims that whoever is told of a verified token still reads. `compile` sees all, and a status is kept in any
   * case.
   */
  readonly keptClaims: readonly string[];
  /** Those who are asked about opaque tokens; left out: nobody is, and they are malformed. */
  readonly opaque?: OpaqueIssuers<T> | undefined;
  /** Of the issuers whose tokens have a status that counts, by their ids; left out: none is looked at. */
  readonly statusLists?: ReadonlyMap<string, StatusLists> | undefined;
}

/** Of a token that came again, or of one that has not: many never do, and the collector copies whatever is kept of them (ADR 25). */
type Entry<T> = KnownToken<T> | OnceSeen;

/** How long new tokens may hold the loop in one turn. */
export interface VerifyMsPerTurn {
  /** Nobody with a known token has come of late. */
  readonly aloneMs: number;
  /** Calls with known tokens come too, and each waits behind a turn of new ones. */
  readonly besideKnownMs: number;
}

/**
 * Alone: some thirty of RS256, twelve of ES256. Beside known ones half of it, though new tokens cost a tenth more then, for
 * what a turn costs is shared by fewer (ADR 25).
 */
const VERIFY_MS_PER_TURN: VerifyMsPerTurn = { aloneMs: 1, besideKnownMs: 0.5 };
/** A known token that came longer ago than some turns says nothing of the next. */
const KNOWN_ARE_ABOUT_MS = 20;

/** Two issuers of one name, or of one id, are a bug of the caller and throw. */
export function createVerifier<T>(options: VerifierOptions<T>): RememberingVerifier<T> {
  refuseDuplicates(options.issuers);
  return new CachingVerifier(options);
}

class CachingVerifier<T> implements RememberingVerifier<T> {
  readonly #options: VerifierOptions<T>;
  readonly #verification: Verification<Issuer, Principal>;
  readonly #share: LoopShare;
  readonly #cache: TokenCache<Entry<T>> | undefined;
  readonly #onceSeen = new OnceSeenRecords();
  #rememberedSinceMs: number;
  /** When a known token came last. On the monotonic clock. */
  #knownAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: VerifierOptions<T>) {
    const { verifiedTokens, maxTokenBytes, maxWaiting, clock } = options;
    this.#options = options;
    const maxMs = (nowMs: number): number => this.#shareMs(nowMs);
    this.#share = createLoopShare({ maxMs, maxWaiting, clock, schedule: eventLoop });
    this.#verification = createVerification({ ...options, kind: ACCESS_TOKEN, signers: options.issuers });
    this.#rememberedSinceMs = clock.now().monotonicMs;
    const forgotten = ({ seenAtMs }: Entry<T>): void => {
      this.#rememberedSinceMs = Math.max(this.#rememberedSinceMs, seenAtMs);
    };
    const released = (entry: Entry<T>): void => {
      if (entry.outcome === undefined) this.#onceSeen.giveBack(entry);
    };
    const bounds = { maxTokens: verifiedTokens, maxTokenBytes };
    this.#cache = verifiedTokens > 0 ? createTokenCache({ ...bounds, forgotten, released }) : undefined;
  }

  #shareMs(nowMs: number): number {
    const { aloneMs, besideKnownMs } = this.#options.verifyMsPerTurn ?? VERIFY_MS_PER_TURN;
    return nowMs - this.#knownAtMs < KNOWN_ARE_ABOUT_MS ? besideKnownMs : aloneMs;
  }

  *remembered(): Generator<RememberedToken<T>> {
    for (const entry of this.#cache?.values() ?? []) {
      const outcome = entry.outcome ?? this.#readAgain(entry.token, entry, this.#options.clock.now());
      if (outcome.ok) yield { ...outcome.value, seenAtMs: entry.seenAtMs };
    }
  }

  rememberedSinceMs(): number {
    return this.#cache === undefined ? this.#options.clock.now().monotonicMs : this.#rememberedSinceMs;
  }

  verify(
    token: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
    maxAgeMs = 0,
  ): void {
    if (this.#options.statusLists === undefined) return this.#find(token, now, deadlineAtMs, span, done, maxAgeMs);
    this.#find(token, now, deadlineAtMs, span, (outcome) => this.#judgeStatus(outcome, deadlineAtMs, done), maxAgeMs);
  }

  /** What is asserted anyway, of an opaque token, was asked of its issuer. */
  #judgeStatus(outcome: Result<VerifiedToken<T>, VerifyFailure>, deadlineAtMs: number, done: VerifyDone<T>): void {
    if (!outcome.ok || outcome.value.principal.assertion !== undefined) return done(outcome);
    const { principal, compiled } = outcome.value;
    const lists = this.#options.statusLists?.get(principal.issuerId);
    if (lists === undefined) return done(outcome);
    lists.judge(principal, this.#options.clock.now(), deadlineAtMs, (judged) => {
      done(
        judged.ok
          ? ok({ principal: judged.value, compiled })
          : err({ reason: judged.error, issuerId: principal.issuerId }),
      );
    });
  }

  #find(
    token: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerifyDone<T>,
    maxAgeMs: number,
  ): void {
    const { observer } = this.#options;
    const entry = this.#cache?.get(token);
    if (entry === undefined) {
      const opaque = this.#opaqueFor(token);
      if (opaque !== undefined) return opaque.verify(token, now, deadlineAtMs, span, done, maxAgeMs);
      observer.verifiedTokenCache("miss");
      this.#verifyAnew(token, now, deadlineAtMs, span, done);
      return;
    }
    if (!isKeyCurrent(entry, now)) {
      this.#cache?.delete(token);
      observer.verifiedTokenCache("stale");
      this.#verifyAnew(token, now, deadlineAtMs, span, done);
      return;
    }
    const time = judgeTimes(entry, entry.issuer.clockSkewMs, now.wallMs);
    if (time === undefined) {
      entry.seenAtMs = now.monotonicMs;
      this.#knownAtMs = now.monotonicMs;
      observer.verifiedTokenCache("hit");
      done(entry.outcome ?? this.#secondTime(token, entry, now));
      return;
    }
    const refusal = err({ reason: time, issuerId: entry.issuer.id });
    this.#cache?.delete(token);
    observer.verifiedTokenCache("stale");
    done(refusal);
  }

  #opaqueFor(token: Buffer): OpaqueTokens<T> | undefined {
    const { maxTokenBytes, opaque } = this.#options;
    return opaque !== undefined && token.length <= maxTokenBytes ? opaque.of(token) : undefined;
  }

  #verifyAnew(token: Buffer, now: Instant, deadlineAtMs: number, span: Span | undefined, done: VerifyDone<T>): void {
    const newToken = new NewToken(this.#judgeNew, token, now, deadlineAtMs, span?.child("verify"), done);
    this.#share.run(newToken);
    newToken.isLater = true;
  }

  /** When its turn has come. Bound once. */
  readonly #judgeNew = (newToken: NewToken<T>): void => {
    const { token, isLater, deadlineAtMs, span } = newToken;
    const now = isLater ? this.#options.clock.now() : newToken.askedAt;
    const known = isLater ? this.#learnedMeanwhile(token, now) : undefined;
    if (known !== undefined) return newToken.answer(known);
    this.#verification.verify(token, now, deadlineAtMs, span, (verified) => {
      newToken.answer(verified.ok ? this.#admit(token, verified.value) : verified);
    });
  };

  /** Calls with one new token often come together, after a start above all: the first of them is verified for all. */
  #learnedMeanwhile(token: Buffer, now: Instant): Result<VerifiedToken<T>, VerifyFailure> | undefined {
    const entry = this.#cache?.get(token);
    if (entry === undefined || !isKeyCurrent(entry, now)) return undefined;
    const time = judgeTimes(entry, entry.issuer.clockSkewMs, now.wallMs);
    return time === undefined ? (entry.outcome ?? this.#secondTime(token, entry, now)) : undefined;
  }

  /** It is made anew of its bytes, and kept whole from now on. */
  #secondTime(view: Buffer, once: OnceSeen, now: Instant): Result<VerifiedToken<T>, VerifyFailure> {
    const outcome = this.#readAgain(view, once, now);
    if (!outcome.ok) return outcome;
    try {
      const token = inOwnMemory(view);
      this.#cache?.set(token, new KnownToken(token, outcome, once), nestedBytes(outcome.value.principal.claims));
      return outcome;
    } catch {
      return err({ reason: "internal_error", issuerId: outcome.value.principal.issuerId });
    }
  }

  #readAgain(token: Buffer, once: OnceSeen, now: Instant): Result<VerifiedToken<T>, VerifyFailure> {
    const { issuer, key, memory } = once;
    try {
      const read = this.#verification.readAgain(token, issuer, key, now);
      return read.ok ? this.#compile(read.value, memory) : read;
    } catch {
      return err({ reason: "internal_error", issuerId: issuer.id });
    }
  }

  #admit(token: Buffer, verified: Verified<Issuer, Principal>): Result<VerifiedToken<T>, VerifyFailure> {
    const { content, signer: issuer, key } = verified;
    const memory = createTokenMemory();
    const outcome = this.#compile(verified, memory);
    const now = this.#options.clock.now();
    const keysSeen = issuer.keys.current(now);
    // The key may have left its set while a thread verified: then this token must not be remembered as good.
    if (this.#cache === undefined || !outcome.ok || !keysSeen.keys.has(key)) return outcome;
    const { issuedAtS, expiresAtS, notBeforeS } = content;
    const times = { issuedAtS, expiresAtS, notBeforeS, seenAtMs: now.monotonicMs };
    const once = this.#onceSeen.take(token, { issuer, key, keysSeen, ...times }, memory);
    this.#cache.set(token, once, nestedBytes(outcome.value.principal.claims));
    return outcome;
  }

  #compile(
    { content, signer, signingInput }: Verified<Issuer, Principal>,
    memory: TokenMemory,
  ): Result<VerifiedToken<T>, VerifyFailure> {
    const { compile, keptClaims } = this.#options;
    const compiled = compile(content, hash("sha256", signingInput, "base64url"), memory);
    if (!compiled.ok) return err({ reason: compiled.error, issuerId: signer.id });
    const principal = withClaims(content, [STATUS_CLAIM, ...keptClaims]);
    return ok({ principal, compiled: compiled.value });
  }
}
