// What is signed for upstreams: good to jose, who knows nothing of us, and no access token to anybody, ourselves included.

import { createPublicKey, verify as verifySignature } from "node:crypto";
import * as fc from "fast-check";
import { calculateJwkThumbprint, createLocalJWKSet, decodeJwt, jwtVerify, type JSONWebKeySet } from "jose";
import { describe, expect, test } from "vitest";
import type { Algorithm } from "../../../src/core/algorithm.ts";
import type { PrincipalFacts } from "../../../src/core/principal.ts";
import { ecdsaDer, ecdsaJoined } from "../../../src/token/ecdsa-der.ts";
import {
  createIdentitySigner,
  IDENTITY_TYP,
  type IdentitySignerOptions,
  type RevocationWord,
} from "../../../src/token/identity-signer.ts";
import { principalOf } from "../../support/principal.ts";
import { signingKeyPem } from "../../support/signing-keys.ts";
import { issuerWith, keysByHand, NOW_S, reasonOf, verifierFor } from "../../support/tokens.ts";

const NOW_MS = NOW_S * 1000;
const ISSUER = "https://guard.example.com";
const AUDIENCE = "orders";
const TIMES = { issuedAtS: NOW_S - 60, expiresAtS: NOW_S + 540 };

function signerWith(changes: Partial<IdentitySignerOptions> = {}): ReturnType<typeof createIdentitySigner> {
  return createIdentitySigner({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: [signingKeyPem("EdDSA")],
    lifetimeMs: 60_000,
    skewMsOf: () => 30_000,
    random: () => 0.5,
    ...changes,
  });
}

function signed(
  signer: ReturnType<typeof signerWith>,
  facts: Partial<PrincipalFacts> = {},
  revocation: RevocationWord = "checked",
  wallMs = NOW_MS,
): string {
  const statement = signer.statementOf(principalOf({ ...TIMES, ...facts }));
  if (!statement.ok) throw new Error(statement.error);
  return signer.sign(statement.value, revocation, wallMs).compact;
}

const keySetOf = (jwks: string): JSONWebKeySet => JSON.parse(jwks) as JSONWebKeySet;
const EXPECTED = { issuer: ISSUER, audience: AUDIENCE, typ: IDENTITY_TYP, currentDate: new Date(NOW_MS) };

describe.each(["EdDSA", "ES256"] as const)("signed by %s", (algorithm) => {
  const signer = signerWith({ keys: [signingKeyPem(algorithm)] });
  const keys = createLocalJWKSet(keySetOf(signer.jwks));

  test("jose verifies it by the published keys, and reads who it is", async () => {
    const facts = { client: "web", tenant: "acme", scopes: ["orders:read", "admin"], subject: 'al"ice\u{1f511}' };
    const { payload, protectedHeader } = await jwtVerify(signed(signer, facts), keys, EXPECTED);
    expect(payload).toEqual({
      iss: ISSUER,
      aud: AUDIENCE,
      sub: facts.subject,
      client_id: "web",
      tenant: "acme",
      sid: "sid-1",
      scope: "orders:read admin",
      token: { iss: "https://id.example.com", jti: "jti-1" },
      revocation: "checked",
      iat: NOW_S,
      exp: NOW_S + 60,
    });
    const [published] = keySetOf(signer.jwks).keys;
    expect(protectedHeader).toEqual({ alg: algorithm, typ: IDENTITY_TYP, kid: published?.kid });
    expect(published?.kid).toBe(await calculateJwkThumbprint(published ?? {}));
  });

  test("what a token does not say is left out", () => {
    const facts = { subject: undefined, session: undefined, tokenId: undefined };
    expect(Object.keys(decodeJwt(signed(signer, facts)))).toEqual(["iss", "aud", "token", "revocation", "iat", "exp"]);
  });

  test("nothing private is published", () => {
    for (const key of keySetOf(signer.jwks).keys) {
      expect(Object.keys(key).toSorted()).toEqual(
        ["alg", "crv", "kid", "kty", "use", "x", ...(algorithm === "ES256" ? ["y"] : [])].toSorted(),
      );
    }
  });
});

describe("how long it is good", () => {
  test("its lifetime, and no longer than the token itself would be accepted here", () => {
    const signer = signerWith();
    const expOf = (tokenExpiresAtS: number): number | undefined =>
      decodeJwt(signed(signer, { expiresAtS: tokenExpiresAtS })).exp;
    expect(expOf(NOW_S + 61)).toBe(NOW_S + 60);
    expect(expOf(NOW_S + 10)).toBe(NOW_S + 40); // 30 s of clock skew
    expect(expOf(NOW_S - 20)).toBe(NOW_S + 10);
  });

  test("it is renewed while half of its lifetime at least is left", () => {
    for (const random of [0, 0.5, 0.999_999]) {
      const signer = signerWith({ random: () => random });
      const statement = signer.statementOf(principalOf(TIMES));
      if (!statement.ok) throw new Error(statement.error);
      const { renewAtMs, signedAtMs } = signer.sign(statement.value, "checked", NOW_MS);
      expect(signedAtMs).toBe(NOW_MS);
      expect(renewAtMs).toBeCloseTo(NOW_MS + 15_000 * (1 + random), 3);
    }
  });
});

test("a statement too large for a header is refused, not cut", () => {
  const scopes = Array.from({ length: 600 }, (_, index) => `scope:${index}`);
  expect(signerWith().statementOf(principalOf({ scopes }))).toEqual({ ok: false, error: "claim_invalid" });
});

test("all keys are published, the first signs, and a key given twice is one", async () => {
  const [old, next] = [signingKeyPem("ES256"), signingKeyPem("EdDSA")];
  const before = signerWith({ keys: [old, next, old] });
  const after = signerWith({ keys: [next, old] });
  expect(keySetOf(before.jwks).keys.map(({ alg }) => alg)).toEqual(["ES256", "EdDSA"]);
  // Whoever verifies by the keys of either side of the change is content with both.
  for (const { jwks } of [before, after]) {
    for (const signer of [before, after]) {
      await expect(jwtVerify(signed(signer), createLocalJWKSet(keySetOf(jwks)), EXPECTED)).resolves.toBeDefined();
    }
  }
});

describe("cross-JWT confusion (trap 20)", () => {
  const ALGORITHMS: readonly Algorithm[] = ["ES256", "EdDSA"];

  test.each(["at+jwt", "jwt"] as const)(
    "it is no access token of profile %s, though its issuer be trusted",
    (profile) => {
      const signer = signerWith();
      const keys = keysByHand(
        keySetOf(signer.jwks).keys.map((key) => ({ ...key })),
        ALGORITHMS,
      );
      const trusted = issuerWith(keys, ALGORITHMS, {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        profile,
        requireJti: false,
      });
      expect(reasonOf(verifierFor([trusted]).verify(signed(signer)))).toBe("wrong_type");
    },
  );
});

test("a signature that OpenSSL made in DER is the one of the JWS, short integers and all", () => {
  const half = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const leadingZeros = fc.nat({ max: 31 });
  fc.assert(
    fc.property(half, half, leadingZeros, leadingZeros, (r, s, rZeros, sZeros) => {
      const joined = Buffer.concat([r.fill(0, 0, rZeros), s.fill(0, 0, sZeros)]);
      const der = ecdsaDer(joined);
      if (der === undefined) return; // an integer is zero
      expect(ecdsaJoined(Buffer.from(der), 32)).toEqual(joined);
    }),
    { numRuns: 1_000 },
  );
});

test("Node verifies what it signed by P-256", () => {
  const signer = signerWith({ keys: [signingKeyPem("ES256")] });
  const [jwk] = keySetOf(signer.jwks).keys;
  const key = { key: createPublicKey({ key: jwk ?? {}, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
  for (let round = 0; round < 50; round += 1) {
    const [header = "", payload = "", signature = ""] = signed(signer).split(".");
    const input = Buffer.from(`${header}.${payload}`);
    expect(verifySignature("sha256", input, key, Buffer.from(signature, "base64url"))).toBe(true);
  }
});
