// The private keys that sign identity for upstreams: their algorithm, their name, and what is published of them. It signs
// nothing, and no private part leaves it but as a key object.

import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

export interface IdentityKey {
  /** RFC 7638 thumbprint: whoever has the key gives it the same name. */
  readonly kid: string;
  readonly algorithm: "EdDSA" | "ES256";
  readonly privateKey: KeyObject;
}

/** The members of a public JWK in the order of RFC 7638 §3.2, which leaves out all others. */
interface PublicMembers {
  readonly crv: string;
  readonly kty: string;
  readonly x: string;
  readonly y?: string;
}

/** Of a PEM text. Throws where it is no private key of Ed25519 or P-256: the configuration has looked. */
export function readIdentityKey(pem: string): IdentityKey {
  const privateKey = createPrivateKey(pem);
  const members = publicMembers(privateKey);
  const kid = createHash("sha256").update(JSON.stringify(members)).digest("base64url");
  return { kid, algorithm: members.kty === "OKP" ? "EdDSA" : "ES256", privateKey };
}

/** The key set that upstreams verify by (RFC 7517 §5), as JSON. A key given twice is in it once. */
export function publishedKeys(keys: readonly IdentityKey[]): string {
  const byKid = new Map(keys.map((key) => [key.kid, key]));
  return `${JSON.stringify({ keys: [...byKid.values()].map(publicJwk) })}\n`;
}

function publicJwk({ kid, algorithm, privateKey }: IdentityKey): object {
  return { ...publicMembers(privateKey), kid, alg: algorithm, use: "sig" };
}

function publicMembers(privateKey: KeyObject): PublicMembers {
  const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: "jwk" });
  const isKnown = (kty === "OKP" && crv === "Ed25519") || (kty === "EC" && crv === "P-256");
  if (!isKnown || x === undefined) throw new Error("the configuration let a key through that cannot sign identity");
  return y === undefined ? { crv, kty, x } : { crv, kty, x, y };
}
