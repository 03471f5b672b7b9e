// Where Envoy tells of the tokens of an issuer that it verifies itself. Reads nothing.

import type { AttestedIssuer } from "../token/claims.ts";

/** An issuer whose tokens Envoy verifies, and where it tells of them. */
export interface AttestedSource {
  readonly issuer: AttestedIssuer;
  readonly namespace: string;
  /** Key of the claims. */
  readonly payload: string;
  /** Key of the header; undefined: Envoy does not tell of it. */
  readonly header: string | undefined;
}
