// The table of signature algorithms: what each needs of a key and of a signature.

import type { Algorithm } from "../core/algorithm.ts";

export type SignatureScheme =
  | { readonly keyType: "RSA"; readonly padding: "pkcs1" | "pss"; readonly hash: "sha256" | "sha384" | "sha512" }
  | {
      readonly keyType: "EC";
      readonly curve: "P-256" | "P-384" | "P-521";
      readonly hash: "sha256" | "sha384" | "sha512";
      /** r and s side by side, each as long as the curve's order (RFC 7518 §3.4). */
      readonly signatureBytes: number;
    }
  /** EdDSA is Ed25519 alone here: Ed448 has no entry. */
  | { readonly keyType: "OKP"; readonly curve: "Ed25519"; readonly signatureBytes: number };

const ED25519: SignatureScheme = { keyType: "OKP", curve: "Ed25519", signatureBytes: 64 };

export const SCHEMES: Readonly<Record<Algorithm, SignatureScheme>> = {
  RS256: { keyType: "RSA", padding: "pkcs1", hash: "sha256" },
  RS384: { keyType: "RSA", padding: "pkcs1", hash: "sha384" },
  RS512: { keyType: "RSA", padding: "pkcs1", hash: "sha512" },
  PS256: { keyType: "RSA", padding: "pss", hash: "sha256" },
  PS384: { keyType: "RSA", padding: "pss", hash: "sha384" },
  PS512: { keyType: "RSA", padding: "pss", hash: "sha512" },
  ES256: { keyType: "EC", curve: "P-256", hash: "sha256", signatureBytes: 64 },
  ES384: { keyType: "EC", curve: "P-384", hash: "sha384", signatureBytes: 96 },
  ES512: { keyType: "EC", curve: "P-521", hash: "sha512", signatureBytes: 132 },
  EdDSA: ED25519,
  Ed25519: ED25519,
};

/** Exact and case-sensitive, as RFC 7515 §4.1.1 has it. */
export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(SCHEMES, name);
}
