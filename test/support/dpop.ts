// A client of DPoP (RFC 9449), made with jose: a second implementation of proofs, thumbprints and hashes.

import { createHash, randomUUID } from "node:crypto";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

export interface ProofParts {
  readonly method?: string;
  readonly uri: string;
  readonly token: string;
  /** Of claims and header; undefined leaves a member out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** That signs in place of the client's own. */
  readonly signWith?: CryptoKey;
}

export interface DpopClient {
  /** For a token's cnf.jkt. */
  readonly jkt: string;
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly privateKey: CryptoKey;
  proof(parts: ProofParts): Promise<string>;
}

export async function createDpopClient(alg: string = "ES256"): Promise<DpopClient> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const publicJwk = await exportJWK(publicKey);
  return {
    jkt: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    privateKey,
    proof({ method = "GET", uri, token, claims, header, signWith = privateKey }) {
      const ath = createHash("sha256").update(token).digest("base64url");
      const iat = Math.floor(Date.now() / 1_000);
      return new SignJWT({ jti: randomUUID(), htm: method, htu: uri, iat, ath, ...claims })
        .setProtectedHeader({ typ: "dpop+jwt", alg, jwk: publicJwk, ...header })
        .sign(signWith);
    },
  };
}
