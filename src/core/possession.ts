// That a caller holds what its token is bound to (RFC 7800). Only token/possession mints the proof of it; decide() asks for
// one wherever a principal is bound.

import type { DenyReason } from "./deny-reason.ts";

/** What the one presenting a token must hold; at least one member is there, and every one that is there must hold. */
export interface Confirmation {
  /** SHA-256 thumbprint of the key that must have signed the call's DPoP proof (RFC 9449 §6.1). */
  readonly jkt: string | undefined;
  /** SHA-256 thumbprint of the certificate that the call's TLS connection must show (RFC 8705 §3.1). */
  readonly x5tS256: string | undefined;
}

declare const proved: unique symbol;

export interface PossessionFacts {
  /** The very object of the principal that was proved. */
  readonly of: Confirmation;
  /** For the client's next proof, where it used an older nonce (RFC 9449 §8.2). */
  readonly nextNonce: string | undefined;
}

export type Possession = PossessionFacts & { readonly [proved]: true };

/** By which scheme a token was presented (RFC 6750 §2.1, RFC 9449 §7.1). */
export type CredentialScheme = "Bearer" | "DPoP";

/** Why a caller was not taken for whom its token is bound to. Closed, for it is reported as a label. */
export const SENDER_FLAWS = [
  "bound_token_as_bearer",
  "proof_malformed",
  "proof_key",
  "proof_signature",
  "proof_target",
  "proof_time",
  "proof_token",
  "proof_replayed",
  "proof_nonce",
  "proofs_overloaded",
  "certificate_missing",
  "certificate_mismatch",
] as const;
export type SenderFlaw = (typeof SENDER_FLAWS)[number];

/** What a client of DPoP is told (RFC 9449 §7.1, §9). */
export interface ProofChallenge {
  readonly error: "invalid_token" | "invalid_dpop_proof" | "use_dpop_nonce";
  readonly nonce: string | undefined;
}

export interface SenderFault {
  readonly reason: DenyReason;
  readonly flaw: SenderFlaw;
  /** Undefined: the reason's own. */
  readonly challenge: ProofChallenge | undefined;
}
