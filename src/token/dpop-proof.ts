// Takes a DPoP proof apart (RFC 9449 §4.2) by the strict parser of all tokens, and checks whose it is. What it says of the
// call is left to whoever knows the call.

import { createHash, type KeyObject } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { Algorithm } from "../core/algorithm.ts";
import { err, ok, type Result } from "../core/result.ts";
import { isTime } from "./claim-values.ts";
import { parseJws, type ParseFault } from "./compact-jws.ts";
import type { JsonObject } from "./json.ts";
import { importPublicKey, PUBLIC_MEMBERS, readJwk } from "./jwk.ts";
import type { VerifyKey } from "./verify-key.ts";

/** A proof holds a key of at most 8192 bits, a URL and a few words. */
const MAX_PROOF_BYTES = 8_192;
/** As long as any identifier that is unique needs to be; each is remembered for a while. */
const MAX_ID_BYTES = 256;
/** Public keys of clients, each some 2 KiB. */
const MAX_KEYS = 10_000;

/** Members of a header that would change what is verified, or bring a second key. */
const UNSUPPORTED_MEMBERS = ["crit", "b64", "zip", "enc", "jku", "x5u", "x5c"] as const;

/** What a proof says; under a signature that is yet to be checked. */
export interface DpopProof {
  readonly id: string;
  readonly method: string;
  readonly uri: string;
  readonly issuedAtS: number;
  readonly tokenHash: string;
  readonly nonce: string | undefined;
  readonly key: VerifyKey;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

export interface ProofReader {
  /** The error `proof_key`: it was made with another key than that of thumbprint `jkt`, or with one nobody may use. */
  read(proof: Buffer, jkt: string): Result<DpopProof, "proof_malformed" | "proof_key">;
}

interface ProofHeader {
  readonly algorithm: Algorithm;
  readonly jwk: JsonObject;
}

export function createProofReader(algorithms: readonly Algorithm[]): ProofReader {
  const imported = new LRUCache<string, KeyObject>({ max: MAX_KEYS });
  const readHeader = (header: JsonObject): Result<ProofHeader, ParseFault> => headerOf(header, algorithms);

  function keyOf({ jwk, algorithm }: ProofHeader, jkt: string): VerifyKey | undefined {
    // The thumbprint first: it is a hash, and nobody else's key is imported.
    if (thumbprintOf(jwk) !== jkt) return undefined;
    const key = readJwk(jwk, [algorithm], (entry, keyType) => {
      const known = imported.get(jkt) ?? importPublicKey(entry, keyType);
      if (known !== undefined) imported.set(jkt, known);
      return known;
    });
    return key.ok ? key.value : undefined;
  }

  return {
    read(proof, jkt) {
      const parsed = parseJws(proof, MAX_PROOF_BYTES, readHeader);
      if (!parsed.ok) return err("proof_malformed");
      const { header, claims, signingInput, signature } = parsed.value;
      const said = claimsOf(claims);
      if (said === undefined) return err("proof_malformed");
      const key = keyOf(header, jkt);
      return key === undefined ? err("proof_key") : ok({ ...said, key, signingInput, signature });
    },
  };
}

function headerOf(header: JsonObject, algorithms: readonly Algorithm[]): Result<ProofHeader, ParseFault> {
  if (UNSUPPORTED_MEMBERS.some((member) => member in header)) return err("unsupported_token");
  const { typ, alg, jwk } = header as { typ?: unknown; alg?: unknown; jwk?: unknown };
  if (typeof typ !== "string" || typ.toLowerCase() !== "dpop+jwt") return err("unsupported_token");
  const algorithm = algorithms.find((listed) => listed === alg);
  if (algorithm === undefined || typeof jwk !== "object" || jwk === null || Array.isArray(jwk))
    return err("unsupported_token");
  return ok({ algorithm, jwk: jwk as JsonObject });
}

type Said = Pick<DpopProof, "id" | "method" | "uri" | "issuedAtS" | "tokenHash" | "nonce">;

function claimsOf(claims: JsonObject): Said | undefined {
  const { jti: id, htm: method, htu: uri, iat: issuedAtS, ath: tokenHash, nonce } = claims as Record<string, unknown>;
  if (!isText(id) || Buffer.byteLength(id) > MAX_ID_BYTES) return undefined;
  if (!isText(method) || !isText(uri) || !isText(tokenHash) || !isTime(issuedAtS)) return undefined;
  if (nonce !== undefined && !isText(nonce)) return undefined;
  return { id, method, uri, issuedAtS, tokenHash, nonce };
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** RFC 7638 §3: the required members in the order of their names, and nothing between them. */
function thumbprintOf(jwk: JsonObject): string | undefined {
  const kty = jwk["kty"];
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP") return undefined;
  const members = PUBLIC_MEMBERS[kty].toSorted().map((name) => [name, jwk[name]] as const);
  if (members.some(([, value]) => typeof value !== "string")) return undefined;
  return createHash("sha256")
    .update(JSON.stringify(Object.fromEntries(members)))
    .digest("base64url");
}
