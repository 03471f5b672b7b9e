// Runs Wycheproof's JOSE vectors and the cookbook of RFC 7520 through our parser, key reader and verifier. A bad vector
// is refused; a good one is accepted, or stands in a table below with the reason why it is not.
import { createPublicKey } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../src/core/algorithm.ts";
import { SCHEMES } from "../../src/token/algorithms.ts";
import { decodeBase64url, endOfAlphabet } from "../../src/token/base64url.ts";
import { parseCompactJws } from "../../src/token/compact-jws.ts";
import { readJwk } from "../../src/token/jwk.ts";
import { NO_KEYS, readKeySet, soleKeyFor } from "../../src/token/key-set.ts";
import { verifyOffLoop, verifyOnLoop } from "../../src/token/signature.ts";

const VECTORS = new URL("../vectors/", import.meta.url);
const ALGORITHMS = Object.keys(SCHEMES) as Algorithm[];
const MAX_TOKEN_BYTES = 16_384;

interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly result: "valid" | "invalid" | "acceptable";
}

interface WycheproofFile<Group> {
  readonly numberOfTests: number;
  readonly testGroups: readonly Group[];
}

interface JwsGroup {
  readonly public?: unknown;
  readonly private: unknown;
  readonly tests: readonly (Vector & { readonly jws: unknown })[];
}

interface SignatureGroup {
  readonly publicKeyPem: string;
  readonly tests: readonly (Vector & { readonly msg: string; readonly sig: string })[];
}

interface CookbookExample {
  readonly input: { readonly key: unknown; readonly alg: string };
  readonly output: { readonly compact?: string };
}

function readVectors(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, VECTORS), "utf8"));
}

/** Why a good vector is refused. A reason that no vector needs fails the test: it would excuse what comes later. */
const REFUSED_ON_PURPOSE = {
  hmac: "symmetric: who could verify it could sign it",
  otherAlgorithm:
    "a key verifies the one algorithm it names: here PS256 over PS384, and ES521, which is not registered",
  noPayload: "no payload, or a detached one: a bearer token carries its claims",
  smallExponent: "a key with e = 3 (it must be at least 65537)",
} as const;
type Refusal = keyof typeof REFUSED_ON_PURPOSE;

const needed = new Set<Refusal>();

function reasonToRefuse(jws: string, jwks: string): Refusal | undefined {
  if (jwks.includes('"oct"')) return "hmac";
  if (jws.includes("..")) return "noPayload";
  const { alg } = JSON.parse(Buffer.from(jws.split(".")[0] ?? "", "base64url").toString()) as { alg: string };
  const named = [...jwks.matchAll(/"alg":"(\w+)"/g)].map(([, name]) => name);
  return named.length > 0 && !named.includes(alg) ? "otherAlgorithm" : undefined;
}

/**
 * As the verifier does it, but for what the payload says: those of the vectors are no claims. Whatever is in the header
 * and in the key set is judged by the product's own code.
 */
async function accepts(jws: string, jwks: string, algorithms: readonly Algorithm[]): Promise<boolean> {
  const keys = readKeySet(jwks, algorithms, NO_KEYS, () => {});
  const [header = "", payload = "", signature = "", ...more] = jws.split(".");
  if (!keys.ok || more.length > 0 || payload === "" || !isCanonical(payload)) return false;
  const token = parseCompactJws(Buffer.from(`${header}.e30.${signature}`), MAX_TOKEN_BYTES);
  if (!token.ok) return false;
  const { alg, kid } = token.value.header;
  const key = kid === undefined ? soleKeyFor(alg, keys.value) : keys.value.byKid.get(kid);
  if (key?.algorithm !== alg) return false;
  const signingInput = Buffer.from(`${header}.${payload}`);
  const good = verifyOnLoop(key, signingInput, token.value.signature);
  expect(await verifyOffLoop(key, signingInput, token.value.signature), "off the loop as on it").toBe(good);
  return good;
}

function isCanonical(segment: string): boolean {
  return endOfAlphabet(Buffer.from(segment), 0) === segment.length && decodeBase64url(segment) !== undefined;
}

/** `jws` that is no text is a JSON serialization, of which no bearer token is made. */
async function expectJudged(
  jws: unknown,
  jwks: string,
  algorithms: readonly Algorithm[],
  good: boolean,
): Promise<void> {
  const compact = typeof jws === "string" ? jws : "";
  const refusal = good ? reasonToRefuse(compact, jwks) : undefined;
  if (refusal !== undefined) needed.add(refusal);
  expect(await accepts(compact, jwks, algorithms)).toBe(good && refusal === undefined);
}

describe.each(["json_web_signature", "json_web_key"])("Wycheproof, %s", (name) => {
  const { testGroups, numberOfTests } = readVectors(`wycheproof/${name}_test.json`) as WycheproofFile<JwsGroup>;
  const vectors = testGroups.flatMap((group) =>
    group.tests.map((vector) => ({ ...vector, jwks: keySetText(group.public ?? group.private) })),
  );

  test("all are here", () => expect(vectors).toHaveLength(numberOfTests));
  test.each(vectors)("$tcId $comment", async ({ jws, jwks, result }) => {
    await expectJudged(jws, jwks, ALGORITHMS, result === "valid");
  });
});

const EXAMPLES = readdirSync(new URL("rfc7520/", VECTORS)).filter((name) => name.endsWith(".json"));

describe.each(EXAMPLES)("RFC 7520, %s", (name) => {
  const { input, output } = readVectors(`rfc7520/${name}`) as CookbookExample;
  const jwks = keySetText(input.key);
  // Its keys name no algorithm, so they are bound to the one that the issuer lists.
  const listed = ALGORITHMS.filter((algorithm) => algorithm === input.alg);

  test("is accepted, or refused on purpose", () => expectJudged(output.compact, jwks, listed, true));
  test("is refused once a bit of its signature is another", async () => {
    expect(await accepts(flipped(output.compact ?? ""), jwks, listed)).toBe(false);
  });
});

/** Bare signatures, with no JWS around them. */
describe.each([
  ["rsa_signature_2048_sha256", "RS256"],
  ["rsa_pss_2048_sha256_mgf1_32", "PS256"],
  ["ecdsa_secp256r1_sha256_p1363", "ES256"],
  ["ecdsa_secp384r1_sha384_p1363", "ES384"],
  ["ecdsa_secp521r1_sha512_p1363", "ES512"],
  ["ed25519", "EdDSA"],
] as const)("Wycheproof, %s", (name, algorithm) => {
  const { testGroups, numberOfTests } = readVectors(`wycheproof/${name}_test.json`) as WycheproofFile<SignatureGroup>;
  const vectors = testGroups.flatMap(({ publicKeyPem, tests }) => {
    const key = readJwk(createPublicKey(publicKeyPem).export({ format: "jwk" }), [algorithm]);
    return tests.map((vector) => ({ ...vector, key }));
  });

  test("each is judged as it should be", () => {
    const wrong = vectors.filter(({ key, msg, sig, result }) => {
      const good = key.ok && verifyOnLoop(key.value, Buffer.from(msg, "hex"), Buffer.from(sig, "hex"));
      const refused = result === "valid" && !key.ok && key.error === "rsa_bad_exponent";
      if (refused) needed.add("smallExponent");
      // "acceptable" is a signature that only an older reading of PKCS #1 takes.
      return good !== (result === "valid" && !refused);
    });
    expect(wrong.map(({ tcId, comment, result }) => `${tcId} ${comment}: ${result}`)).toEqual([]);
    expect(vectors).toHaveLength(numberOfTests);
  });
});

test("each reason to refuse a good one is met by one", () => {
  expect([...needed].toSorted()).toEqual(Object.keys(REFUSED_ON_PURPOSE).toSorted());
});

/** A JWKS of what a vector has for a key: one, several, or already a set; without what would make it private. */
function keySetText(key: unknown): string {
  const { keys } = key as { readonly keys?: unknown };
  const jwks = (Array.isArray(keys) ? keys : [key].flat()) as readonly object[];
  return JSON.stringify({ keys: jwks.map(publicOf) });
}

function publicOf(jwk: object): object {
  const isPrivate = new Set(["d", "p", "q", "dp", "dq", "qi"]);
  return Object.fromEntries(Object.entries(jwk).filter(([member]) => !isPrivate.has(member)));
}

function flipped(jws: string): string {
  const at = jws.lastIndexOf(".") + 1;
  const signature = Buffer.from(jws.slice(at), "base64url");
  signature[0] = (signature[0] ?? 0) ^ 1;
  return jws.slice(0, at) + signature.toString("base64url");
}
