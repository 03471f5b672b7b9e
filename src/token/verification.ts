// Verifies one token anew: parse → issuer → key → signature → claims → what a token of its kind says (of an access token
// the Principal). It remembers no token.

import type { Clock, Instant } from "../core/clock.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Observer } from "../core/observer.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import { isDamaged } from "./bearer.ts";
import { parseCompactJws, type ParsedToken } from "./compact-jws.ts";
import { soleKeyFor, type KeySet } from "./key-set.ts";
import { offLoop } from "./off-loop.ts";
import { verifyOnLoop } from "./signature.ts";
import type { Signer, TokenKind } from "./token-kind.ts";
import type { VerifyKey } from "./verify-key.ts";

export interface VerifyFailure {
  readonly reason: DenyReason;
  /** Short id where the issuer is already known. */
  readonly issuerId: string | undefined;
  /** Of `unknown_key`: the kid could not be looked for, so whoever reads the issuer's keys anew may find it. */
  readonly isKeyUnread?: boolean;
}

/** What a good token was verified to be, and by which key of whom. */
export interface Verified<S extends Signer, C> {
  readonly content: C;
  readonly signer: S;
  readonly key: VerifyKey;
  /** What the signature is over. */
  readonly signingInput: Buffer;
}

export type VerificationDone<S extends Signer, C> = (outcome: Result<Verified<S, C>, VerifyFailure>) => void;

export interface Verification<S extends Signer, C> {
  /**
   * As Verifier.verify, without a cache and without compiling; a `done` that throws is told `internal_error` instead.
   * `token` must not change until `done` was called.
   */
  verify(token: Buffer, now: Instant, deadlineAtMs: number, span: Span | undefined, done: VerificationDone<S, C>): void;

  /** What a token says once more: the same bytes, found good before by `key` of `signer`. Its signature is not looked at. */
  readAgain(token: Buffer, signer: S, key: VerifyKey, now: Instant): Result<Verified<S, C>, VerifyFailure>;
}

export interface VerificationOptions<S extends Signer, C> {
  readonly kind: TokenKind<S, C>;
  /** Each `issuer` once. */
  readonly signers: readonly S[];
  readonly maxTokenBytes: number;
  readonly clock: Clock;
  readonly observer: Pick<Observer, "verified" | "issuerClockAhead">;
}

/** A token whose issuer is known and whose header passed; carried from step to step. */
interface Attempt<S extends Signer, C> {
  readonly token: ParsedToken;
  readonly signer: S;
  readonly startedMs: number;
  readonly deadlineAtMs: number;
  readonly done: VerificationDone<S, C>;
}

export function createVerification<S extends Signer, C>(options: VerificationOptions<S, C>): Verification<S, C> {
  return new VerificationSteps(options);
}

class VerificationSteps<S extends Signer, C> implements Verification<S, C> {
  readonly #options: VerificationOptions<S, C>;
  readonly #signers: ReadonlyMap<string, S>;

  constructor(options: VerificationOptions<S, C>) {
    this.#options = options;
    this.#signers = new Map(options.signers.map((signer) => [signer.issuer, signer]));
  }

  verify(
    bytes: Buffer,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: VerificationDone<S, C>,
  ): void {
    const { clock, kind, maxTokenBytes } = this.#options;
    const startedMs = clock.now().monotonicMs;
    const token = parseCompactJws(bytes, maxTokenBytes);
    if (!token.ok) {
      // A credential is two, or was damaged on its way, before it is a bad token. No good one is damaged.
      done(err({ reason: isDamaged(bytes) ? "malformed_request" : token.error, issuerId: undefined }));
      return;
    }
    const signer = pickSigner(token.value, this.#signers);
    if (!signer.ok) {
      done(err({ reason: signer.error, issuerId: undefined }));
      return;
    }
    const attempt: Attempt<S, C> = { token: token.value, signer: signer.value, startedMs, deadlineAtMs, done };
    const refused = judgeHeader(token.value, signer.value, kind);
    if (refused === undefined) this.#findKey(attempt, now, span);
    else fail(attempt, refused);
  }

  readAgain(bytes: Buffer, signer: S, key: VerifyKey, now: Instant): Result<Verified<S, C>, VerifyFailure> {
    const token = parseCompactJws(bytes, this.#options.maxTokenBytes);
    return token.ok ? this.#read(token.value, signer, key, now) : err({ reason: token.error, issuerId: signer.id });
  }

  #findKey(attempt: Attempt<S, C>, now: Instant, span: Span | undefined): void {
    const { keys } = attempt.signer;
    const { alg, kid } = attempt.token.header;
    const known = keys.current(now);
    const key = kid === undefined ? soleKeyFor(alg, known) : known.byKid.get(kid);
    if (key !== undefined) {
      this.#checkSignature(attempt, key, now);
    } else if (kid === undefined) {
      fail(attempt, lackOfKey(known));
    } else {
      keys.refetchFor(kid, now, attempt.deadlineAtMs, span, (refetched) => {
        const found = refetched.byKid.get(kid);
        const instant = this.#options.clock.now();
        if (found !== undefined) this.#checkSignature(attempt, found, instant);
        else fail(attempt, lackOfKey(refetched), !keys.isKnownAbsent(kid, instant));
      });
    }
  }

  #checkSignature(attempt: Attempt<S, C>, key: VerifyKey, now: Instant): void {
    const { header, signature, signingInput } = attempt.token;
    if (key.algorithm !== header.alg) {
      fail(attempt, "algorithm_not_allowed");
      return;
    }
    if (key.offLoop) this.#checkOffLoop(attempt, key);
    else this.#judge(attempt, key, verifyOnLoop(key, signingInput, signature), now);
  }

  #checkOffLoop(attempt: Attempt<S, C>, key: VerifyKey): void {
    const { clock } = this.#options;
    const { signingInput, signature } = attempt.token;
    const waitMs = attempt.deadlineAtMs - clock.now().monotonicMs;
    offLoop.verify({ key, signingInput, signature }, waitMs, (outcome) => {
      if (outcome === "overloaded") fail(attempt, "overloaded");
      else this.#judge(attempt, key, outcome === "good", clock.now());
    });
  }

  /** Also called after a wait, where nobody above could catch: a bug in it refuses this token, and ends no process. */
  #judge(attempt: Attempt<S, C>, key: VerifyKey, good: boolean, now: Instant): void {
    const { clock, observer } = this.#options;
    try {
      observer.verified(key.algorithm, clock.now().monotonicMs - attempt.startedMs);
      if (good) this.#judgeClaims(attempt, key, now);
      else fail(attempt, "bad_signature");
    } catch {
      fail(attempt, "internal_error");
    }
  }

  #judgeClaims(attempt: Attempt<S, C>, key: VerifyKey, now: Instant): void {
    const { token, signer } = attempt;
    this.#options.observer.issuerClockAhead(signer.id, secondsAhead(token, now));
    attempt.done(this.#read(token, signer, key, now));
  }

  #read(token: ParsedToken, signer: S, key: VerifyKey, now: Instant): Result<Verified<S, C>, VerifyFailure> {
    const content = this.#options.kind.read(token.claims, signer, key, now.wallMs);
    if (!content.ok) return err({ reason: content.error, issuerId: signer.id });
    return ok({ content: content.value, signer, key, signingInput: token.signingInput });
  }
}

/** By how much the token's iat lies ahead of `now`; 0 where it does not. */
function secondsAhead({ claims }: ParsedToken, now: Instant): number {
  const issuedAtS = claims["iat"];
  return typeof issuedAtS === "number" ? Math.max(0, issuedAtS - now.wallMs / 1000) : 0;
}

function fail<S extends Signer, C>(attempt: Attempt<S, C>, reason: DenyReason, isKeyUnread = false): void {
  const failure = { reason, issuerId: attempt.signer.id };
  attempt.done(err(isKeyUnread ? { ...failure, isKeyUnread } : failure));
}

function pickSigner<S extends Signer>(
  token: ParsedToken,
  signers: ReadonlyMap<string, S>,
): Result<S, "claim_invalid" | "unknown_issuer"> {
  const iss = token.claims["iss"];
  if (iss !== undefined && typeof iss !== "string") return err("claim_invalid");
  const signer = signers.get(iss ?? "");
  return signer === undefined ? err("unknown_issuer") : ok(signer);
}

function judgeHeader<S extends Signer, C>(
  { header }: ParsedToken,
  signer: S,
  kind: TokenKind<S, C>,
): DenyReason | undefined {
  if (!(signer.algorithms as readonly string[]).includes(header.alg)) return "algorithm_not_allowed";
  return kind.typFits(signer, header.typ) ? undefined : "wrong_type";
}

function lackOfKey(known: KeySet): DenyReason {
  return known.keys.size === 0 ? "keys_unavailable" : "unknown_key";
}
