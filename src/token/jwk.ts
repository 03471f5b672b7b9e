// Turns one entry of a JWKS (RFC 7517 §4) into a key bound to one algorithm, or says why it is dropped.

import { createPublicKey, type KeyObject } from "node:crypto";
import { err, ok, type Result } from "../core/result.ts";
import type { Algorithm } from "../core/algorithm.ts";
import { isAlgorithm, SCHEMES, type SignatureScheme } from "./algorithms.ts";
import type { JsonObject } from "./json.ts";
import { hasRocaFingerprint } from "./roca.ts";
import { verifyKeyOf, type VerifyKey } from "./verify-key.ts";

/** Closed, for it is reported as a label. */
export type KeyDropReason =
  | "not_an_object"
  | "symmetric"
  | "private"
  | "unknown_key_type"
  | "wrong_use"
  | "wrong_key_ops"
  | "bad_kid"
  | "duplicate_kid"
  | "unknown_algorithm"
  | "algorithm_mismatch"
  | "algorithm_not_listed"
  | "malformed"
  | "rsa_too_small"
  | "rsa_too_large"
  | "rsa_bad_exponent"
  | "rsa_weak";

const MAX_KID_BYTES = 256;
/** Contract §4; NIST SP 800-131A. */
const MIN_RSA_BITS = 2048;
/** Verifying takes the square of it: 8192 bits take some 0.3 ms. */
const MAX_RSA_BITS = 8192;
const MIN_RSA_EXPONENT = 65537n;
/** FIPS 186-5 §5.1: below 2^256, or every verification costs like a private operation. */
const MAX_RSA_EXPONENT = 1n << 256n;

/** RFC 7518 §6.2.2, §6.3.2: what only a private key has. */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth"] as const;

/** Which members make up a public key, by `kty`; nothing else of the entry reaches the crypto library. */
export const PUBLIC_MEMBERS: Readonly<Record<SignatureScheme["keyType"], readonly string[]>> = {
  RSA: ["kty", "n", "e"],
  EC: ["kty", "crv", "x", "y"],
  OKP: ["kty", "crv", "x"],
};

/**
 * Reads one JWK for an issuer that lists `algorithms`. One key, one algorithm: the entry's `alg`, or where it has
 * none, the first listed one that fits the type of key (an RSA key beside [RS256, PS256] verifies RS256 only).
 * `importKey` may remember what it has once imported; all other judgement is passed anew.
 */
export function readJwk(
  entry: unknown,
  algorithms: readonly Algorithm[],
  importKey: typeof importPublicKey = importPublicKey,
): Result<VerifyKey, KeyDropReason> {
  if (!isObject(entry)) return err("not_an_object");
  const jwk = entry;
  const refused = refuseBeforeImport(jwk);
  if (refused !== undefined) return err(refused);
  const keyType = keyTypeOf(jwk["kty"]);
  if (keyType === undefined) return err("unknown_key_type");
  const algorithm = bindAlgorithm(jwk, algorithms);
  if (!algorithm.ok) return algorithm;
  const publicKey = importKey(jwk, keyType);
  if (publicKey === undefined) return err("malformed");
  if (keyType === "RSA") {
    const weak = judgeRsa(publicKey, jwk["n"] as string);
    if (weak !== undefined) return err(weak);
  }
  return ok(verifyKeyOf(jwk["kid"] as string | undefined, algorithm.value, publicKey));
}

function isObject(entry: unknown): entry is JsonObject {
  return typeof entry === "object" && entry !== null && !Array.isArray(entry);
}

function refuseBeforeImport(jwk: JsonObject): KeyDropReason | undefined {
  if (jwk["kty"] === "oct" || "k" in jwk) return "symmetric";
  if (PRIVATE_MEMBERS.some((member) => member in jwk)) return "private";
  if ("use" in jwk && jwk["use"] !== "sig") return "wrong_use";
  if ("key_ops" in jwk && !allowsVerify(jwk["key_ops"])) return "wrong_key_ops";
  return "kid" in jwk && !isKid(jwk["kid"]) ? "bad_kid" : undefined;
}

function allowsVerify(operations: unknown): boolean {
  return Array.isArray(operations) && operations.includes("verify");
}

function isKid(kid: unknown): kid is string {
  return typeof kid === "string" && kid !== "" && Buffer.byteLength(kid) <= MAX_KID_BYTES;
}

function keyTypeOf(kty: unknown): SignatureScheme["keyType"] | undefined {
  return kty === "RSA" || kty === "EC" || kty === "OKP" ? kty : undefined;
}

function bindAlgorithm(jwk: JsonObject, algorithms: readonly Algorithm[]): Result<Algorithm, KeyDropReason> {
  const alg = jwk["alg"];
  if (alg === undefined) {
    const first = algorithms.find((algorithm) => fits(jwk, SCHEMES[algorithm]));
    return first === undefined ? err("algorithm_not_listed") : ok(first);
  }
  if (typeof alg !== "string" || !isAlgorithm(alg)) return err("unknown_algorithm");
  if (!fits(jwk, SCHEMES[alg])) return err("algorithm_mismatch");
  return algorithms.includes(alg) ? ok(alg) : err("algorithm_not_listed");
}

function fits(jwk: JsonObject, scheme: SignatureScheme): boolean {
  if (jwk["kty"] !== scheme.keyType) return false;
  return scheme.keyType === "RSA" || jwk["crv"] === scheme.curve;
}

/** The key that its public members make up; undefined where they make none. */
export function importPublicKey(jwk: JsonObject, keyType: SignatureScheme["keyType"]): KeyObject | undefined {
  const members = PUBLIC_MEMBERS[keyType].map((name) => [name, jwk[name]] as const);
  if (members.some(([, value]) => typeof value !== "string")) return undefined;
  try {
    return createPublicKey({ format: "jwk", key: Object.fromEntries(members) });
  } catch {
    return undefined; // the library's only word for a point off the curve or a field that is no number
  }
}

function judgeRsa(publicKey: KeyObject, modulus: string): KeyDropReason | undefined {
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {};
  if (modulusLength < MIN_RSA_BITS) return "rsa_too_small";
  if (modulusLength > MAX_RSA_BITS) return "rsa_too_large";
  const odd = (publicExponent & 1n) === 1n;
  if (!odd || publicExponent < MIN_RSA_EXPONENT || publicExponent >= MAX_RSA_EXPONENT) return "rsa_bad_exponent";
  return hasRocaFingerprint(Buffer.from(modulus, "base64url")) ? "rsa_weak" : undefined;
}
