// Which signature algorithms there are here. What is not listed cannot be represented, and so not configured: no HMAC,
// no `none`, no other curve.

/** `alg` values of JWS headers and JWKs (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
export const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type Algorithm = (typeof ALGORITHMS)[number];
