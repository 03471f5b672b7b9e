// Key sets whose members are damaged at random are read without a throw, and no key vanishes uncounted.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ALGORITHMS } from "../../src/core/algorithm.ts";
import { NO_KEYS, readKeySet } from "../../src/token/key-set.ts";
import { createTestKey } from "../support/tokens.ts";
import { runs } from "../support/fuzz-time.ts";

const jwks = ALGORITHMS.map((alg) => createTestKey(alg, `kid-${alg}`).jwk);

test("whatever becomes of the members of good keys, reading them never throws, and every entry is kept or counted", () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom("", "AQAB", "AQ", "sig", "enc", "RSA", "EC", "OKP", "P-256", "P-521", "Ed25519", ...ALGORITHMS),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  const name = fc.constantFrom("kty", "crv", "n", "e", "x", "y", "kid", "alg", "use", "key_ops", "d", "k", "__proto__");
  const entry = fc
    .tuple(fc.constantFrom(...jwks), fc.array(fc.tuple(name, value), { maxLength: 3 }))
    .map(([jwk, changes]) => Object.fromEntries([...Object.entries(jwk), ...changes]));
  fc.assert(
    fc.property(fc.array(fc.oneof(entry, fc.jsonValue()), { maxLength: 8 }), (entries) => {
      let dropped = 0;
      const set = readKeySet(JSON.stringify({ keys: entries }), ALGORITHMS, NO_KEYS, () => (dropped += 1));
      expect(set.ok || dropped === entries.length || set.error.includes("strict JSON")).toBe(true);
      const kept = set.ok ? set.value.keys.size : 0;
      expect(!set.ok || kept + dropped === entries.length).toBe(true);
    }),
    runs(3_000),
  );
});
