// A *verified* subject. Only token/claims mints one; every allow of a protected call needs one.

import type { Instant } from "./clock.ts";
import type { Confirmation } from "./possession.ts";

declare const verified: unique symbol;

/** The issuer's own word that a token is good, where a signature alone does not say it: it has an age like any answer. */
export interface Assertion {
  /** Read before the issuer was asked. */
  readonly asOf: Instant;
  /** It was asked again since, and did not answer. */
  readonly isUnanswered: boolean;
  /** So long it counts in every tier, by the issuer's configuration; undefined: as long as an answer counts in the tier. */
  readonly goodForMs: number | undefined;
}

/** The facts of a verified token. Unverified claims never have this type. */
export interface PrincipalFacts {
  /** Short id of the issuer, as in keys, metrics and the API. */
  readonly issuerId: string;
  /** The token's `iss`, byte for byte the configured one. */
  readonly issuer: string;
  readonly subject: string | undefined;
  readonly tokenId: string | undefined;
  readonly session: string | undefined;
  readonly tenant: string | undefined;
  readonly client: string | undefined;
  readonly scopes: readonly string[];
  /** `kid` of the key that verified, whatever the header says; undefined where that key has none, or none verified. */
  readonly keyId: string | undefined;
  readonly algorithm: string;
  /** Undefined: the signature is all there is to say. */
  readonly assertion: Assertion | undefined;
  /** Epoch seconds. */
  readonly issuedAtS: number;
  /** Epoch seconds. */
  readonly expiresAtS: number;
  /** Epoch seconds. */
  readonly notBeforeS: number | undefined;
  /** What whoever presents the token must hold; undefined: it is anybody's who has it. */
  readonly confirmation: Confirmation | undefined;
  /** All claims as parsed, for identity headers of further claims. Null-prototype object. */
  readonly claims: Readonly<Record<string, unknown>>;
}

export type Principal = PrincipalFacts & { readonly [verified]: true };
