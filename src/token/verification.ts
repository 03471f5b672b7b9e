// Verifies one token anew: parse → issuer → key → signature → claims → Principal. It remembers no token.

import type { Clock, Instant } from "../core/clock.ts";
import type { DenyReason } from "../core/deny-reason.ts";
import type { Observer } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import { createBulkhead, type Bulkhead } from "../resilience/bulkhead.ts";
import { isDamaged } from "./bearer.ts";
import { mintPrincipal, typFits } from "./claims.ts";
import { parseCompactJws, type ParsedToken } from "./compact-jws.ts";
import type { Issuer } from "./issuer.ts";
import { soleKeyFor, type KeySet } from "./key-set.ts";
import { verifyOffLoop, verifyOnLoop } from "./signature.ts";
import type { VerifyKey } from "./verify-key.ts";

export interface VerifyFailure {
  readonly reason: DenyReason;
  /** Short id where the issuer is already known. */
  readonly issuerId: string | undefined;
}

/** What a good token was verified to be, and by which key of whom. */
export interface Verified {
  readonly principal: Principal;
  readonly issuer: Issuer;
  readonly key: VerifyKey;
  /** What the signature is over. */
  readonly signingInput: Buffer;
}

export type VerificationDone = (outcome: Result<Verified, VerifyFailure>) => void;

export interface Verification {
  /**
   * As Verifier.verify, without a cache and without compiling; a `done` that throws is told `internal_error` instead.
   * `token` must not change any more.
   */
  verify(token: Buffer, now: Instant, deadlineAtMs: number, span: Span | undefined, done: VerificationDone): void;
}

export interface VerificationOptions {
  readonly issuers: readonly Issuer[];
  readonly maxTokenBytes: number;
  readonly clock: Clock;
  readonly observer: Pick<Observer, "verified" | "issuerClockAhead">;
}

/** On four threads at 1 ms each: some 16 ms of work. Past it a caller is better told at once. */
const MAX_OFF_LOOP = 64;

/** A token whose issuer is known and whose header passed; carried from step to step. */
interface Attempt {
  readonly token: ParsedToken;
  readonly issuer: Issuer;
  readonly startedMs: number;
  readonly deadlineAtMs: number;
  readonly done: VerificationDone;
}

export function createVerification(options: VerificationOptions): Verification {
  return new VerificationSteps(options);
}

class VerificationSteps implements Verification {
  readonly #options: VerificationOptions;
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #offLoop: Bulkhead = createBulkhead(MAX_OFF_LOOP);

  constructor(options: VerificationOptions) {
    this.#options = options;
    this.#issuers = new Map(options.issuers.map((issuer) => [issuer.issuer, issuer]));
  }

  verify(bytes: Buffer, now: Instant, deadlineAtMs: number, span: Span | undefined, done: VerificationDone): void {
    const startedMs = this.#options.clock.now().monotonicMs;
    const token = parseCompactJws(bytes, this.#options.maxTokenBytes);
    if (!token.ok) {
      // A credential is two, or was damaged on its way, before it is a bad token. No good one is damaged.
      done(err({ reason: isDamaged(bytes) ? "malformed_request" : token.error, issuerId: undefined }));
      return;
    }
    const issuer = pickIssuer(token.value, this.#issuers);
    if (!issuer.ok) {
      done(err({ reason: issuer.error, issuerId: undefined }));
      return;
    }
    const attempt: Attempt = { token: token.value, issuer: issuer.value, startedMs, deadlineAtMs, done };
    const refused = judgeHeader(token.value, issuer.value);
    if (refused === undefined) this.#findKey(attempt, now, span);
    else fail(attempt, refused);
  }

  #findKey(attempt: Attempt, now: Instant, span: Span | undefined): void {
    const { keys } = attempt.issuer;
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
        if (found === undefined) fail(attempt, lackOfKey(refetched));
        else this.#checkSignature(attempt, found, this.#options.clock.now());
      });
    }
  }

  #checkSignature(attempt: Attempt, key: VerifyKey, now: Instant): void {
    const { header, signature, signingInput } = attempt.token;
    if (key.algorithm !== header.alg) {
      fail(attempt, "algorithm_not_allowed");
      return;
    }
    if (key.offLoop) void this.#checkOffLoop(attempt, key);
    else this.#judge(attempt, key, verifyOnLoop(key, signingInput, signature), now);
  }

  async #checkOffLoop(attempt: Attempt, key: VerifyKey): Promise<void> {
    const { clock } = this.#options;
    const { signingInput, signature } = attempt.token;
    if (!this.#offLoop.tryEnter()) {
      fail(attempt, "overloaded");
      return;
    }
    let late = false;
    const onDeadline = (): void => {
      late = true;
      fail(attempt, "overloaded");
    };
    const timer = setTimeout(onDeadline, Math.max(0, attempt.deadlineAtMs - clock.now().monotonicMs));
    const good = await verifyOffLoop(key, signingInput, signature);
    this.#offLoop.leave();
    clearTimeout(timer);
    if (!late) this.#judge(attempt, key, good, clock.now());
  }

  /** Also called after a wait, where nobody above could catch: a bug in it refuses this token, and ends no process. */
  #judge(attempt: Attempt, key: VerifyKey, good: boolean, now: Instant): void {
    const { clock, observer } = this.#options;
    try {
      observer.verified(key.algorithm, clock.now().monotonicMs - attempt.startedMs);
      if (good) this.#judgeClaims(attempt, key, now);
      else fail(attempt, "bad_signature");
    } catch {
      fail(attempt, "internal_error");
    }
  }

  #judgeClaims(attempt: Attempt, key: VerifyKey, now: Instant): void {
    const { token, issuer } = attempt;
    const aheadS = secondsAhead(token, now);
    if (aheadS > 0) this.#options.observer.issuerClockAhead(issuer.id, aheadS);
    const principal = mintPrincipal(token.claims, issuer, key, now.wallMs);
    if (!principal.ok) fail(attempt, principal.error);
    else attempt.done(ok({ principal: principal.value, issuer, key, signingInput: token.signingInput }));
  }
}

/** By how much the token's iat lies ahead of `now`; 0 or less where it does not. */
function secondsAhead({ claims }: ParsedToken, now: Instant): number {
  const issuedAtS = claims["iat"];
  return typeof issuedAtS === "number" ? issuedAtS - now.wallMs / 1000 : 0;
}

function fail(attempt: Attempt, reason: DenyReason): void {
  attempt.done(err({ reason, issuerId: attempt.issuer.id }));
}

function pickIssuer(
  token: ParsedToken,
  issuers: ReadonlyMap<string, Issuer>,
): Result<Issuer, "claim_invalid" | "unknown_issuer"> {
  const iss = token.claims["iss"];
  if (iss !== undefined && typeof iss !== "string") return err("claim_invalid");
  const issuer = issuers.get(iss ?? "");
  return issuer === undefined ? err("unknown_issuer") : ok(issuer);
}

function judgeHeader({ header }: ParsedToken, issuer: Issuer): DenyReason | undefined {
  if (!(issuer.algorithms as readonly string[]).includes(header.alg)) return "algorithm_not_allowed";
  return typFits(issuer.profile, header.typ) ? undefined : "wrong_type";
}

function lackOfKey(known: KeySet): DenyReason {
  return known.keys.size === 0 ? "keys_unavailable" : "unknown_key";
}
