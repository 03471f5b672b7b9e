// What a Check is judged by: everything that a reload replaces, compiled, in one object read once per Check.

import type { DenyReason } from "../core/deny-reason.ts";
import type { Result } from "../core/result.ts";
import type { Tier } from "../core/tier.ts";
import type { Guard } from "../revocation/guard.ts";
import type { RevocationSubject } from "../revocation/subject.ts";
import type { AttestedTokens } from "../token/attested.ts";
import type { Verifier } from "../token/verifier.ts";
import type { PossessionJudge } from "../token/possession.ts";
import type { AttestedSource } from "./attested-source.ts";
import type { DpopOffer } from "./denied-response.ts";
import type { CompiledIdentity } from "./compiled-identity.ts";
import type { IdentityPolicy } from "./identity.ts";
import type { RequestPolicy } from "./requirement.ts";

/** What is compiled once of a verified token, under the policy it is then judged by. */
export interface CompiledToken {
  readonly subject: RevocationSubject;
  /** From `compileIdentity` with the policy's `identity`. */
  readonly identity: CompiledIdentity;
  /** From the policy's `tiers.floorOf(principal.scopes)`. */
  readonly floor: Tier | undefined;
}

/**
 * The one credential of a scheme out of all Authorization values there are (token/bearer): a view of one of them. What no
 * token can hold in it, the verifier refuses.
 */
export type CredentialReader = (
  values: readonly Buffer[],
) => Result<Buffer, Extract<DenyReason, "missing_token" | "malformed_request">>;

/** Bounds the Checks in flight (resilience/bulkhead). */
export interface Admission {
  tryEnter(): boolean;
  leave(): void;
}

/** How tokens that are bound to their sender are judged (RFC 9449, RFC 8705). */
export interface SenderPolicy {
  readonly judge: PossessionJudge;
  /** Undefined: no token comes with a proof, and the scheme DPoP is as foreign as any other. */
  readonly dpop: (DpopOffer & { readonly token: CredentialReader; readonly scheme: "asSeen" | "https" }) | undefined;
}

/** How tokens are taken that Envoy has verified. */
export interface AttestedPolicy {
  readonly sources: readonly AttestedSource[];
  readonly tokens: AttestedTokens<CompiledToken>;
  /** No issuer's tokens are verified here. */
  readonly isAlone: boolean;
}

export interface CheckPolicy extends RequestPolicy {
  readonly identity: IdentityPolicy;
  readonly bearerToken: CredentialReader;
  readonly sender: SenderPolicy;
  /** `observe`: what would be refused is let through, unnamed and marked. */
  readonly mode: "enforce" | "observe";
  /** Undefined: Envoy verifies nobody's tokens. */
  readonly attested: AttestedPolicy | undefined;
  /** Its compiled tokens come from this very policy: tiers and identity of another would judge them wrongly. */
  readonly verifier: Verifier<CompiledToken>;
  readonly guard: Guard;
  readonly admission: Admission;
  /** Of a whole Check; the caller's own, less a margin, counts where it is shorter. */
  readonly deadlineMs: number;
  /** Protection space named to callers without a token (RFC 6750 §3). */
  readonly realm: string;
}
