// Decides whether whoever presents a bound token holds what it is bound to, and mints the proof of it: nothing else in the
// house can. What it is shown is untrusted; every call is judged anew.

import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import type { Algorithm } from "../core/algorithm.ts";
import type { Clock, Instant } from "../core/clock.ts";
import type {
  Confirmation,
  CredentialScheme,
  Possession,
  PossessionFacts,
  ProofChallenge,
  SenderFault,
  SenderFlaw,
} from "../core/possession.ts";
import { err, ok, type Result } from "../core/result.ts";
import { createLoopShare, type LoopShare } from "../resilience/loop-share.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { certificateThumbprint } from "./client-certificate.ts";
import { createDpopNonces, type DpopNonces } from "./dpop-nonce.ts";
import { createProofReader, type DpopProof, type ProofReader } from "./dpop-proof.ts";
import { offLoop } from "./off-loop.ts";
import { createSeenProofs, type SeenProofs } from "./seen-proofs.ts";
import { verifyOnLoop } from "./signature.ts";

/** What a call shows of who sends it, as the proxy tells. */
export interface ShownBySender {
  readonly scheme: CredentialScheme;
  /** As presented. */
  readonly token: Buffer;
  readonly method: string;
  /** Exactly one where the scheme is DPoP. */
  readonly proof: Buffer | undefined;
  /** URL-encoded PEM of the client's certificate; "": it showed none, or nobody tells of it. */
  readonly certificate: string;
  /** Whether `htu` of a proof names this call. */
  isTarget(htu: string): boolean;
}

export type PossessionDone = (outcome: Result<Possession, SenderFault>) => void;

export interface PossessionJudge {
  /**
   * Calls `done` exactly once: before returning while the turn's share of proofs lasts and the key's algorithm is fast,
   * otherwise at the latest about `deadlineAtMs` (monotonic clock). Never throws, if `done` does not.
   */
  judge(
    confirmation: Confirmation,
    shown: ShownBySender,
    now: Instant,
    deadlineAtMs: number,
    done: PossessionDone,
  ): void;
}

export interface PossessionOptions {
  readonly algorithms: readonly Algorithm[];
  /** A proof whose iat is older is refused. */
  readonly maxAgeMs: number;
  /** And so is one whose iat lies further ahead; it adds to the age. */
  readonly clockSkewMs: number;
  readonly maxSeenProofs: number;
  /** Proofs need a nonce of ours. */
  readonly nonceRequired: boolean;
  /** What nonces are made with by a whole fleet; undefined: by this process alone. */
  readonly nonceSecret: string | undefined;
  readonly maxWaiting: number;
  readonly clock: Clock;
}

/** As much of a turn as new tokens have. */
const MAX_VERIFY_MS_PER_TURN = 1;

export function createPossessionJudge(options: PossessionOptions): PossessionJudge {
  return new Judge(options);
}

/** One proof on its way. */
interface Attempt {
  readonly confirmation: Confirmation;
  readonly jkt: string;
  readonly shown: ShownBySender;
  readonly deadlineAtMs: number;
  readonly done: PossessionDone;
}

class Judge implements PossessionJudge {
  readonly #options: PossessionOptions;
  readonly #reader: ProofReader;
  readonly #seen: SeenProofs;
  readonly #nonces: DpopNonces | undefined;
  readonly #share: LoopShare;

  constructor(options: PossessionOptions) {
    const { algorithms, maxAgeMs, clockSkewMs, maxSeenProofs, nonceRequired, nonceSecret, maxWaiting, clock } = options;
    this.#options = options;
    this.#reader = createProofReader(algorithms);
    // Good from skew before its iat to age and skew after it.
    this.#seen = createSeenProofs({ windowMs: maxAgeMs + 2 * clockSkewMs, maxProofs: maxSeenProofs });
    if (nonceRequired) this.#nonces = createDpopNonces(secretOf(nonceSecret));
    this.#share = createLoopShare({ maxMs: () => MAX_VERIFY_MS_PER_TURN, maxWaiting, clock, schedule: eventLoop });
  }

  judge(
    confirmation: Confirmation,
    shown: ShownBySender,
    now: Instant,
    deadlineAtMs: number,
    done: PossessionDone,
  ): void {
    const { jkt, x5tS256 } = confirmation;
    const flaw = x5tS256 === undefined ? undefined : judgeCertificate(x5tS256, shown.certificate);
    if (flaw !== undefined) return done(refused(flaw));
    if (jkt === undefined) return done(ok(minted({ of: confirmation, nextNonce: undefined })));
    if (shown.scheme !== "DPoP" || shown.proof === undefined) {
      return done(refused("bound_token_as_bearer", { error: "invalid_token", nonce: undefined }));
    }
    const { proof } = shown;
    const attempt: Attempt = { confirmation, jkt, shown, deadlineAtMs, done };
    let isLater = false;
    this.#share.run({
      deadlineAtMs,
      run: () => this.#judgeProof(attempt, proof, isLater ? this.#options.clock.now() : now),
      drop: () => done(OVERLOADED),
    });
    isLater = true;
  }

  #judgeProof(attempt: Attempt, bytes: Buffer, now: Instant): void {
    const proof = this.#reader.read(bytes, attempt.jkt);
    if (!proof.ok) return this.#refuse(attempt, proof.error, now);
    const flaw = this.#flawOf(proof.value, attempt.shown, now);
    if (flaw !== undefined) return this.#refuse(attempt, flaw, now);
    const { key, signingInput, signature } = proof.value;
    if (key.offLoop) this.#verifyOffLoop(attempt, proof.value);
    else this.#verified(attempt, proof.value, verifyOnLoop(key, signingInput, signature), now);
  }

  /** RFC 9449 §4.3, but for the signature: what costs nothing first. */
  #flawOf(proof: DpopProof, shown: ShownBySender, now: Instant): SenderFlaw | undefined {
    const { maxAgeMs, clockSkewMs } = this.#options;
    const ageMs = now.wallMs - proof.issuedAtS * 1_000;
    if (proof.method !== shown.method || !shown.isTarget(proof.uri)) return "proof_target";
    if (!isSameText(proof.tokenHash, hash("sha256", shown.token, "base64url"))) return "proof_token";
    if (this.#nonces !== undefined && this.#nonces.judge(proof.nonce ?? "", now.wallMs) === "unknown")
      return "proof_nonce";
    return ageMs > maxAgeMs + clockSkewMs || ageMs < -clockSkewMs ? "proof_time" : undefined;
  }

  #verifyOffLoop(attempt: Attempt, proof: DpopProof): void {
    const { clock } = this.#options;
    const { key, signingInput, signature } = proof;
    const waitMs = attempt.deadlineAtMs - clock.now().monotonicMs;
    offLoop.verify({ key, signingInput, signature }, waitMs, (outcome) => {
      if (outcome === "overloaded") attempt.done(OVERLOADED);
      else this.#verified(attempt, proof, outcome === "good", clock.now());
    });
  }

  #verified(attempt: Attempt, proof: DpopProof, isGood: boolean, now: Instant): void {
    if (!isGood) return this.#refuse(attempt, "proof_signature", now);
    // Only what its owner signed is remembered: nobody else can use up a proof, or the memory.
    const use = this.#seen.use(attempt.jkt, proof.id, now.monotonicMs);
    if (use === "full") return attempt.done(OVERLOADED);
    if (use === "again") return this.#refuse(attempt, "proof_replayed", now);
    const isStale = this.#nonces?.judge(proof.nonce ?? "", now.wallMs) === "stale";
    const nextNonce = isStale ? this.#nonces?.current(now.wallMs) : undefined;
    attempt.done(ok(minted({ of: attempt.confirmation, nextNonce })));
  }

  #refuse(attempt: Attempt, flaw: SenderFlaw, now: Instant): void {
    const error = flaw === "proof_nonce" ? "use_dpop_nonce" : "invalid_dpop_proof";
    attempt.done(refused(flaw, { error, nonce: this.#nonces?.current(now.wallMs) }));
  }
}

const OVERLOADED: Result<never, SenderFault> = err({
  reason: "overloaded",
  flaw: "proofs_overloaded",
  challenge: undefined,
});

function refused(flaw: SenderFlaw, challenge?: ProofChallenge): Result<never, SenderFault> {
  return err({ reason: "claim_invalid", flaw, challenge });
}

function minted(facts: PossessionFacts): Possession {
  return facts as Possession;
}

function judgeCertificate(thumbprint: string, certificate: string): SenderFlaw | undefined {
  if (certificate === "") return "certificate_missing";
  const shown = certificateThumbprint(certificate);
  return shown !== undefined && isSameText(shown, thumbprint) ? undefined : "certificate_mismatch";
}

function isSameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function secretOf(shared: string | undefined): Uint8Array {
  return shared === undefined ? randomBytes(32) : Buffer.from(shared);
}
