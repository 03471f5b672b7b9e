// Which keys of a document are used, for which algorithm, and that a bad one harms no other.
import { createHash, generateKeyPairSync } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import { NO_KEYS, readKeySet, soleKeyFor } from "../../../src/token/key-set.ts";
import { createTestKey, type Json } from "../../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["RS256", "PS256", "ES256", "EdDSA"];
const good = createTestKey("RS256", "good");
const other = createTestKey("RS256", "other");
const ec = createTestKey("ES256", "ec");
const without = (jwk: Json, ...names: string[]): Json =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)));

function read(
  keys: readonly unknown[],
  algorithms = ALGORITHMS,
): { kids: (string | undefined)[]; dropped: string[]; error?: string } {
  const dropped: string[] = [];
  const set = readKeySet(JSON.stringify({ keys }), algorithms, NO_KEYS, (why) => void dropped.push(why));
  if (!set.ok) return { kids: [], dropped, error: set.error };
  return { kids: [...set.value.keys].map((key) => key.kid), dropped };
}

const rsaOf = (modulusLength: number, publicExponent = 65537): Json => ({
  ...generateKeyPairSync("rsa", { modulusLength, publicExponent }).publicKey.export({ format: "jwk" }),
  kid: "bad",
});
const asNumber = (value: bigint): string =>
  Buffer.from(value.toString(16).padStart(512, "0"), "hex").toString("base64url");

/** A modulus as the broken generator makes them: a power of 65537 modulo the product of small primes. */
function rocaModulus(): string {
  const primes: bigint[] = [];
  for (let n = 2n; primes.length < 39; n += 1n) if (primes.every((prime) => n % prime !== 0n)) primes.push(n);
  const product = primes.reduce((all, prime) => all * prime, 1n);
  let power = 1n;
  for (let i = 0; i < 12_345; i += 1) power = (power * 65537n) % product;
  const noise = BigInt(`0x${createHash("sha512").update("noise").digest("hex")}`);
  const above = (1n << 2047n) / product + noise;
  return asNumber(above * product + power);
}

describe("a bad key is dropped and counted, its good neighbours are kept (trap 17)", () => {
  const privateJwk = good.privateKey.export({ format: "jwk" });
  test.each<[string, unknown, string]>([
    ["an oct key", { kty: "oct", k: "c2VjcmV0", kid: "bad" }, "symmetric"],
    ["an oct key named like a good alg", { kty: "oct", k: "c2VjcmV0", kid: "bad", alg: "RS256" }, "symmetric"],
    ["a private RSA key", { ...privateJwk, kid: "bad" }, "private"],
    ["a private EC key", { ...ec.privateKey.export({ format: "jwk" }), kid: "bad" }, "private"],
    ["an RSA key of 1024 bits", rsaOf(1024), "rsa_too_small"],
    ["an RSA key of 2047 bits", { ...rsaOf(2048), n: asNumber((1n << 2047n) - 1n) }, "rsa_too_small"],
    ["an RSA key with e = 3", rsaOf(2048, 3), "rsa_bad_exponent"],
    ["an RSA key with e = 1", { ...without(other.jwk, "kid"), kid: "bad", e: "AQ" }, "rsa_bad_exponent"],
    ["an RSA key with an even e", { ...other.jwk, kid: "bad", e: "AQAC" }, "rsa_bad_exponent"],
    [
      "an RSA key with e = 65535",
      { ...other.jwk, kid: "bad", e: Buffer.from([0xff, 0xff]).toString("base64url") },
      "rsa_bad_exponent",
    ],
    [
      "an RSA key with an e as long as n",
      { ...other.jwk, kid: "bad", e: Buffer.alloc(200, 0xff).toString("base64url") },
      "rsa_bad_exponent",
    ],
    ["a ROCA key", { ...other.jwk, kid: "bad", n: rocaModulus() }, "rsa_weak"],
    ["an RSA key without n", without({ ...other.jwk, kid: "bad" }, "n"), "malformed"],
    ["an RSA key whose n is a number", { ...other.jwk, kid: "bad", n: 5 }, "malformed"],
    ["an EC point off its curve", { ...ec.jwk, kid: "bad", x: ec.jwk["y"], y: ec.jwk["x"] }, "malformed"],
    ["an EC key for encryption", { ...ec.jwk, kid: "bad", use: "enc" }, "wrong_use"],
    ["a use that is null", { ...ec.jwk, kid: "bad", use: null }, "wrong_use"],
    ["key_ops without verify", { ...ec.jwk, kid: "bad", key_ops: ["encrypt"] }, "wrong_key_ops"],
    ["key_ops that are a string", { ...ec.jwk, kid: "bad", key_ops: "verify" }, "wrong_key_ops"],
    ["an unknown kty", { kty: "AKP", kid: "bad", alg: "ML-DSA-65", pub: "AA" }, "unknown_key_type"],
    ["an unknown alg", { ...other.jwk, kid: "bad", alg: "RSA-OAEP" }, "unknown_algorithm"],
    ["alg HS256 on an RSA key", { ...other.jwk, kid: "bad", alg: "HS256" }, "unknown_algorithm"],
    ["an alg of another type of key", { ...other.jwk, kid: "bad", alg: "ES256" }, "algorithm_mismatch"],
    ["an alg of another curve", { ...ec.jwk, kid: "bad", alg: "ES384" }, "algorithm_mismatch"],
    ["an alg the issuer does not list", { ...other.jwk, kid: "bad", alg: "RS512" }, "algorithm_not_listed"],
    [
      "a curve no listed algorithm has",
      { ...createTestKey("ES384", "bad").jwk, alg: undefined },
      "algorithm_not_listed",
    ],
    ["secp256k1", { ...ec.jwk, kid: "bad", crv: "secp256k1", alg: undefined }, "algorithm_not_listed"],
    ["an empty kid", { ...other.jwk, kid: "" }, "bad_kid"],
    ["a kid that is a number", { ...other.jwk, kid: 7 }, "bad_kid"],
    ["a kid of 257 bytes", { ...other.jwk, kid: "k".repeat(257) }, "bad_kid"],
    ["null", null, "not_an_object"],
    ["a string", "key", "not_an_object"],
    ["an array", [], "not_an_object"],
  ])("%s", (_what, bad, why) => {
    expect(read([bad, good.jwk])).toEqual({ kids: ["good"], dropped: [why] });
    expect(read([good.jwk, bad])).toEqual({ kids: ["good"], dropped: [why] });
  });

  test("a large RSA key is dropped, for verifying with it takes too long", () => {
    const huge = { ...other.jwk, kid: "bad", n: Buffer.alloc(1025, 0xff).toString("base64url") };
    expect(read([good.jwk, huge]).dropped).toEqual(["rsa_too_large"]);
  });

  test("of keys that share a kid none is kept", () => {
    expect(read([good.jwk, other.jwk, { ...ec.jwk, kid: "other" }])).toEqual({
      kids: ["good"],
      dropped: ["duplicate_kid", "duplicate_kid"],
    });
    expect(read([good.jwk, other.jwk, other.jwk]).kids).toEqual(["good"]);
  });

  test("a dropped key takes no usable one of its kid with it", () => {
    expect(read([good.jwk, { ...other.jwk, kid: "good", use: "enc" }])).toEqual({
      kids: ["good"],
      dropped: ["wrong_use"],
    });
  });
});

describe("the whole document", () => {
  test.each([
    ["no JSON", "<html>", "strict JSON"],
    ["an array", "[]", "strict JSON"],
    ["keys twice", '{"keys":[],"keys":[]}', "strict JSON"],
    ["no keys", "{}", "no array"],
    ["keys that are an object", '{"keys":{}}', "no array"],
    ["an empty list", '{"keys":[]}', "no usable key"],
  ])("is refused: %s", (_what, text, why) => {
    const set = readKeySet(text, ALGORITHMS, NO_KEYS, () => undefined);
    expect(set.ok ? "" : set.error).toContain(why);
  });

  test("is refused when every key of it is dropped", () => {
    expect(read([{ kty: "oct", k: "AA" }, rsaOf(1024)])).toMatchObject({
      error: expect.stringContaining("no usable key"),
      dropped: ["symmetric", "rsa_too_small"],
    });
  });

  test("is refused beyond a hundred keys, good ones included", () => {
    const many = Array.from({ length: 100 }, (_, i) => ({ ...ec.jwk, kid: `k${i}` }));
    expect(read(many).kids).toHaveLength(100);
    expect(read([...many, good.jwk])).toMatchObject({ kids: [], error: expect.stringContaining("more than 100") });
  });
});

describe("one key, one algorithm", () => {
  const algorithmOf = (jwk: Json, algorithms: readonly Algorithm[]): string | undefined => {
    const set = readKeySet(JSON.stringify({ keys: [jwk] }), algorithms, NO_KEYS, () => undefined);
    return set.ok ? [...set.value.keys][0]?.algorithm : undefined;
  };

  test("without alg a key is bound to the first listed algorithm that fits it", () => {
    const bare = without(good.jwk, "alg");
    expect(algorithmOf(bare, ["ES256", "PS256", "RS256"])).toBe("PS256");
    expect(algorithmOf(bare, ["RS256", "PS256"])).toBe("RS256");
    expect(algorithmOf(without(createTestKey("EdDSA", "ed").jwk, "alg"), ["Ed25519", "EdDSA"])).toBe("Ed25519");
    expect(algorithmOf(without(ec.jwk, "alg"), ["RS256"])).toBeUndefined();
  });

  test("with alg it is bound to that, whatever comes first", () => {
    expect(algorithmOf({ ...good.jwk, alg: "PS256" }, ["RS256", "PS256"])).toBe("PS256");
  });

  test("without kid a key serves tokens without kid, if it is the only one for its algorithm", () => {
    const read2 = (keys: Json[]) => {
      const set = readKeySet(JSON.stringify({ keys }), ALGORITHMS, NO_KEYS, () => undefined);
      return set.ok ? soleKeyFor("RS256", set.value) : undefined;
    };
    const bare = without(good.jwk, "kid");
    expect(read2([bare])).toBeDefined();
    expect(read2([bare, ec.jwk])).toBeDefined();
    expect(read2([bare, other.jwk])).toBeUndefined();
    expect(read2([ec.jwk])).toBeUndefined();
  });
});

test("a key that did not change keeps its object, one that did under the same kid does not", () => {
  const readWith = (keys: Json[], before = NO_KEYS) => {
    const set = readKeySet(JSON.stringify({ keys }), ALGORITHMS, before, () => undefined);
    if (!set.ok) throw new Error(set.error);
    return set.value;
  };
  const first = readWith([good.jwk, ec.jwk]);
  const second = readWith([ec.jwk, { ...other.jwk, kid: "good" }], first);
  expect(second.byKid.get("ec")).toBe(first.byKid.get("ec"));
  expect(second.byKid.get("good")).not.toBe(first.byKid.get("good"));
  const third = readWith([{ ...good.jwk, alg: "PS256" }], first);
  expect(third.byKid.get("good")).not.toBe(first.byKid.get("good"));
});
