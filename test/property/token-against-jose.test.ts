// Two implementations on the same tokens: what we accept jose accepts too, and what an honest issuer signs with jose
// both accept.
import * as fc from "fast-check";
import { createLocalJWKSet, jwtVerify, SignJWT } from "jose";
import { expect, test } from "vitest";
import type { Algorithm } from "../../src/core/algorithm.ts";
import { runs } from "../support/fuzz-time.ts";
import {
  base64url,
  createTestKey,
  goodClaims,
  ISSUER,
  issuerWith,
  keysByHand,
  NOW_S,
  signBytes,
  verifierFor,
  type Json,
} from "../support/tokens.ts";

const ALGORITHMS: readonly Algorithm[] = ["RS256", "PS256", "ES256", "ES384", "ES512", "EdDSA"];
const KEYS = ALGORITHMS.map((alg) => createTestKey(alg, `kid-${alg}`));
const jwks = KEYS.map((key) => key.jwk);
const oracle = createLocalJWKSet({ keys: jwks });
const { verifyLater } = verifierFor([issuerWith(keysByHand(jwks, ALGORITHMS), ALGORITHMS)], { verifiedTokens: 0 });

async function joseAccepts(token: string): Promise<boolean> {
  try {
    await jwtVerify(token, oracle, {
      issuer: ISSUER,
      audience: "orders-api",
      algorithms: [...ALGORITHMS],
      typ: "at+jwt",
      clockTolerance: 30,
      currentDate: new Date(NOW_S * 1000),
      requiredClaims: ["exp", "iat", "jti"],
    });
    return true;
  } catch {
    return false;
  }
}

const accepts = async (token: string): Promise<boolean> => (await verifyLater(token)).ok;
const aKey = fc.constantFrom(...KEYS);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 });

test("a token that an honest issuer signs with jose is accepted by both", async () => {
  const claims = fc.record({
    sub: text,
    jti: text,
    sid: text,
    tenant: text,
    scope: fc.array(fc.stringMatching(/^[a-z:]{1,12}$/), { maxLength: 5 }).map((scopes) => scopes.join(" ")),
    profile: fc.jsonValue({ maxDepth: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(aKey, claims, fc.integer({ min: 1, max: 3600 }), async (key, own, lifetimeS) => {
      const token = await new SignJWT(own)
        .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: "at+jwt" })
        .setIssuer(ISSUER)
        .setAudience("orders-api")
        .setIssuedAt(NOW_S)
        .setExpirationTime(NOW_S + lifetimeS)
        .sign(key.privateKey);
      expect(await joseAccepts(token)).toBe(true);
      expect(await accepts(token)).toBe(true);
    }),
    runs(300),
  );
});

test("whatever is done to a good token's text, we accept nothing that jose refuses", async () => {
  const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \n\u00e9"];
  const edit = fc.record({
    at: fc.nat(),
    removed: fc.nat(2),
    inserted: fc.array(fc.constantFrom(...alphabet), { maxLength: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(aKey, fc.array(edit, { minLength: 1, maxLength: 3 }), async (key, edits) => {
      const header = JSON.stringify({ alg: key.alg, kid: key.kid, typ: "at+jwt" });
      const token = signBytes(key, header, JSON.stringify(goodClaims()));
      let edited = token;
      for (const { at, removed, inserted } of edits) {
        const start = at % (edited.length + 1);
        edited = edited.slice(0, start) + inserted.join("") + edited.slice(start + removed);
      }
      const ours = await accepts(edited);
      expect(ours).toBe(edited === token);
      expect(!ours || (await joseAccepts(edited))).toBe(true);
    }),
    runs(1_000),
  );
});

test("whatever header and claims are well signed, we accept nothing that jose refuses", async () => {
  const oneOf = (good: unknown, ...others: unknown[]): fc.Arbitrary<unknown> =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant<unknown>(good) },
      { weight: 1, arbitrary: fc.constantFrom<unknown>(...others, undefined, null, "", [], {}) },
    );
  const time = (good: number): fc.Arbitrary<unknown> =>
    oneOf(good, good - 5000, good + 5000, String(good), -1, 0, 2 ** 53 + 2, 0.5, good + 0.5);
  const header = (key: (typeof KEYS)[number]): fc.Arbitrary<Json> =>
    fc.record<Json>({
      alg: oneOf(key.alg, "none", "HS256", "RS256", "ES256", "RS512", key.alg.toLowerCase()),
      kid: oneOf(key.kid, "kid-RS256", "unknown", 7),
      typ: oneOf("at+jwt", "JWT", "application/at+jwt", "AT+JWT", "logout+jwt", 1),
      crit: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constant(["exp"]) }),
      b64: fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.boolean() }),
    });
  const claims = fc.record<Json>({
    iss: oneOf(ISSUER, `${ISSUER}/`, [ISSUER]),
    aud: oneOf("orders-api", ["orders-api"], ["other", "orders-api"], "other", 1),
    sub: oneOf("alice", 7),
    jti: oneOf("token-1", 7),
    iat: time(NOW_S),
    exp: time(NOW_S + 600),
    nbf: fc.oneof(fc.constant(undefined), time(NOW_S)),
  });
  let accepted = 0;
  const cases = aKey.chain((key) => fc.tuple(fc.constant(key), header(key), claims));
  await fc.assert(
    fc.asyncProperty(cases, async ([key, head, body]) => {
      const token = signBytes(key, JSON.stringify(head), JSON.stringify(body));
      if (!(await accepts(token))) return;
      accepted += 1;
      expect(await joseAccepts(token), `${JSON.stringify(head)} ${JSON.stringify(body)}`).toBe(true);
    }),
    runs(1_500),
  );
  expect(accepted).toBeGreaterThan(30);
});

test("arbitrary segments never make the verifier throw or accept", async () => {
  const segment = fc.oneof(
    fc.base64String(),
    fc.string(),
    fc.json().map(base64url),
    fc.uint8Array().map((bytes) => base64url(Buffer.from(bytes))),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { maxLength: 6 }), async (segments) => {
      expect(await accepts(segments.join("."))).toBe(false);
    }),
    runs(3_000),
  );
});
