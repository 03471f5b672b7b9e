// Believes nobody who calls but by the signed identity that Portcullis sets (docs/signed-identity.md).
import type { IncomingMessage } from "node:http";
import { createRemoteJWKSet, jwtVerify, type JWTPayload } from "jose";

export interface IdentityOptions {
  /** The sidecar's: `http://…/.well-known/jwks.json` where ops listens. */
  readonly jwksUrl: string;
  /** As in `identity.signed`. */
  readonly issuer: string;
  readonly audience: string;
}

/** Who calls; undefined: nobody that the guard has let through. */
export type IdentityReader = (request: IncomingMessage) => Promise<JWTPayload | undefined>;

export function identityReader({ jwksUrl, issuer, audience }: IdentityOptions): IdentityReader {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  return async ({ headers }) => {
    const jwt = headers["x-auth-identity"];
    if (typeof jwt !== "string") return undefined;
    const expected = { issuer, audience, typ: "portcullis-identity+jwt", algorithms: ["EdDSA", "ES256"] };
    try {
      const { payload } = await jwtVerify(jwt, keys, expected);
      return payload;
    } catch {
      return undefined; // another's, too old, or for somebody else
    }
  };
}
