// One trusted issuer, compiled from the configuration: what its tokens must look like. Holds no key itself.

import type { SenderConstraint } from "./confirmation.ts";
import type { Signer } from "./token-kind.ts";

/** `at+jwt`: typed access tokens (RFC 9068). `jwt`: untyped ones, and then nothing that looks like another kind. */
export type TokenProfile = "at+jwt" | "jwt";

/** Names of the claims that carry what RFC 7519 has no name for. */
export interface ClaimNames {
  readonly session: string;
  readonly tenant: string;
  readonly client: string;
  readonly scope: string;
}

export interface Issuer extends Signer {
  /** One of them must be in `aud`; undefined: any audience, or none. */
  readonly audiences: readonly string[] | undefined;
  readonly profile: TokenProfile;
  readonly clockSkewMs: number;
  /** Bound of exp − iat. */
  readonly maxLifetimeMs: number;
  readonly requireJti: boolean;
  readonly claims: ClaimNames;
  readonly senderConstraint: SenderConstraint;
}

/** Throws where two have one name, or one id: a bug of the caller. */
export function refuseDuplicates(issuers: readonly Issuer[]): void {
  const names = new Set(issuers.map((issuer) => issuer.issuer));
  const ids = new Set(issuers.map((issuer) => issuer.id));
  if (names.size < issuers.length || ids.size < issuers.length) throw new RangeError("an issuer is configured twice");
}
