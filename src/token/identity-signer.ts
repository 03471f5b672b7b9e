// Signs, for upstreams, who a verified principal is: a short JWT of a type of its own (RFC 8725 §3.11), so that nobody can
// take it for an access token. It verifies nothing and remembers nothing.

import { sign } from "node:crypto";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { ecdsaJoined } from "./ecdsa-der.ts";
import { publishedKeys, readIdentityKey, type IdentityKey } from "./identity-keys.ts";

/** The header's `typ`. No profile of an access token takes it. */
export const IDENTITY_TYP = "portcullis-identity+jwt";

/** `unknown`: it could not be asked for this call, and the tier lets it pass (fail-open). */
export type RevocationWord = "checked" | "unknown";

/** All that is said of one principal, whenever it is said: JSON, but for its end. */
export interface IdentityStatement {
  readonly json: string;
  /** Epoch; nobody may be believed to be called so from then on. */
  readonly endsAtMs: number;
}

/** Times are epoch milliseconds. */
export interface SignedIdentity {
  readonly compact: string;
  readonly signedAtMs: number;
  /** From then on a new one is due; this one is good for as long again. */
  readonly renewAtMs: number;
}

export interface IdentitySigner {
  /** `claim_invalid`: it is more than a header should carry. */
  statementOf(principal: Principal): Result<IdentityStatement, "claim_invalid">;
  sign(statement: IdentityStatement, revocation: RevocationWord, wallMs: number): SignedIdentity;
  /** The public parts of all keys, as a JSON text. */
  readonly jwks: string;
}

export interface IdentitySignerOptions {
  /** The `iss` and `aud` of what is signed. */
  readonly issuer: string;
  readonly audience: string;
  /** PEM texts of private keys, at least one: the first signs. */
  readonly keys: readonly string[];
  readonly lifetimeMs: number;
  /** For how long after its `exp` a token of that issuer is still accepted, by the issuer's short id. */
  readonly skewMsOf: (issuerId: string) => number;
  readonly random: () => number;
}

/** As of any other value that an upstream is told (claim-text). */
const MAX_STATEMENT_BYTES = 4096;
/**
 * Renewed between a quarter and a half of its lifetime: half of it is always left, and tokens that were signed at once are
 * not renewed at once for ever after.
 */
const RENEW_AFTER_RATIO = 0.25;

export function createIdentitySigner(options: IdentitySignerOptions): IdentitySigner {
  const { issuer, audience, lifetimeMs, skewMsOf, random } = options;
  const keys = options.keys.map(readIdentityKey);
  const key = keys[0];
  if (key === undefined) throw new Error("no key to sign identity with");
  const header = encode(JSON.stringify({ alg: key.algorithm, typ: IDENTITY_TYP, kid: key.kid }));
  return {
    jwks: publishedKeys(keys),
    statementOf(principal) {
      const json = JSON.stringify({ iss: issuer, aud: audience, ...claimsOf(principal) });
      if (Buffer.byteLength(json) > MAX_STATEMENT_BYTES) return err("claim_invalid");
      return ok({ json, endsAtMs: principal.expiresAtS * 1000 + skewMsOf(principal.issuerId) });
    },
    sign({ json, endsAtMs }, revocation, wallMs) {
      const iat = Math.floor(wallMs / 1000);
      const exp = Math.floor(Math.min(wallMs + lifetimeMs, endsAtMs) / 1000);
      const claims = `${json.slice(0, -1)},"revocation":"${revocation}","iat":${iat},"exp":${exp}}`;
      const signingInput = `${header}.${encode(claims)}`;
      const renewAtMs = wallMs + lifetimeMs * RENEW_AFTER_RATIO * (1 + random());
      return { compact: `${signingInput}.${signatureOf(key, signingInput)}`, signedAtMs: wallMs, renewAtMs };
    },
  };
}

/**
 * Names as RFC 7519 §4.1, RFC 8693 §4.2 and §4.3 and OpenID Connect have them; `tenant` and `token` are our own. A subject
 * is unique for its issuer only, so `token` tells whose it is.
 */
function claimsOf({ subject, client, tenant, session, scopes, issuer, tokenId }: Principal): object {
  return {
    sub: subject,
    client_id: client,
    tenant,
    sid: session,
    scope: scopes.length === 0 ? undefined : scopes.join(" "),
    token: { iss: issuer, jti: tokenId },
  };
}

/** A bare key and DER for P-256: with `dsaEncoding` Node takes 27 µs more for each (measured on 24.21). */
function signatureOf({ algorithm, privateKey }: IdentityKey, signingInput: string): string {
  const bytes = Buffer.from(signingInput, "latin1");
  const signature =
    algorithm === "EdDSA" ? sign(null, bytes, privateKey) : ecdsaJoined(sign("sha256", bytes, privateKey), 32);
  return signature.toString("base64url");
}

function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("base64url");
}
