// Token introspection (RFC 7662) at a real `portcullis control` over a real Redis.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { createTestKey, signToken, type Json } from "../support/tokens.ts";

const ISSUER = "https://id.example.com";
const key = createTestKey("ES256", "k1");
const foreignKey = createTestKey("ES256", "k1");
const [READER, REVOKER] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")] as const;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

let redis: RedisProcess;
let plane: PortcullisProcess;

beforeAll(async () => {
  redis = await startRedis();
  plane = await startPortcullis({
    command: "control",
    config: {
      issuers: [{ issuer: ISSUER, jwks: { file: "jwks.json" }, audiences: ["orders-api", "cart-api"] }],
      store: { type: "redis", url: redis.url },
      control: {
        tokens: [
          { name: "eye", sha256: sha256(READER), scopes: ["portcullis:read"] },
          { name: "ci", sha256: sha256(REVOKER), scopes: ["portcullis:revoke"] },
        ],
      },
    },
    files: { "jwks.json": JSON.stringify({ keys: [key.jwk] }) },
  });
});
afterAll(async () => {
  await plane.stop();
  await redis.stop();
});

function claimsOf(changes: Json = {}): Json {
  const nowS = Math.floor(Date.now() / 1_000);
  const unique = randomUUID();
  return {
    iss: ISSUER,
    aud: ["orders-api", "other"],
    sub: `user-${unique}`,
    jti: `jti-${unique}`,
    sid: `sid-${unique}`,
    client_id: "shop",
    tenant: `acme-${unique}`,
    scope: "read write",
    iat: nowS - 5,
    exp: nowS + 600,
    ...changes,
  };
}

function send(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = {},
  query = "",
): Promise<Response> {
  return fetch(`${plane.controlUrl}/v1/introspect${query}`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${READER}`,
      "content-type": "application/x-www-form-urlencoded",
      ...headers,
    },
    body,
  });
}

async function introspect(token: string, more: Readonly<Record<string, string>> = {}): Promise<unknown> {
  const answer = await send(new URLSearchParams({ token, ...more }).toString());
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  return answer.json();
}

test("a good token is active, with its claims", async () => {
  const claims = claimsOf({ nbf: Math.floor(Date.now() / 1_000) - 5, extra: "not told" });
  const { extra: _, ...told } = claims;
  const expected = { active: true, token_type: "Bearer", revoked: false, ...told };
  expect(await introspect(signToken(key, claims))).toEqual(expected);
  expect(await introspect(signToken(key, claims), { token_type_hint: "refresh_token" })).toEqual(expected);
});

test("of a bound token it is told what it is bound to", async () => {
  const cnf = { jkt: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" };
  expect(await introspect(signToken(key, claimsOf({ cnf })))).toMatchObject({ active: true, token_type: "DPoP", cnf });
});

test("a good token without scope, session and so on is told without them", async () => {
  const { iss, aud, jti, iat, exp } = claimsOf({ aud: "cart-api" });
  expect(await introspect(signToken(key, { iss, aud, jti, iat, exp }))).toEqual({
    active: true,
    token_type: "Bearer",
    iss,
    aud,
    jti,
    iat,
    exp,
    revoked: false,
  });
});

describe("what is no good token is not active, and no more is said", () => {
  const nowS = Math.floor(Date.now() / 1_000);
  const good = signToken(key, claimsOf());
  test.each([
    ["no token at all", "nonsense"],
    ["a bootstrap token", READER],
    ["spaces", " "],
    ["a NUL", "\u0000"],
    ["expired", signToken(key, claimsOf({ iat: nowS - 900, exp: nowS - 300 }))],
    ["not yet valid", signToken(key, claimsOf({ nbf: nowS + 300 }))],
    ["another audience's", signToken(key, claimsOf({ aud: "portcullis" }))],
    ["another issuer's", signToken(key, claimsOf({ iss: "https://evil.example.com" }))],
    ["signed by another key", signToken(foreignKey, claimsOf())],
    ["an ID token", signToken(key, claimsOf(), { typ: "JWT" })],
    ["a good one with a space after it", `${good} `],
    ["a good one with padding", `${good}=`],
    ["huge", `${good}${"A".repeat(50_000)}`],
  ])("%s", async (_what, token) => {
    expect(await introspect(token)).toEqual({ active: false });
  });
});

test.each([
  ["token", "jti"],
  ["session", "sid"],
  ["user", "sub"],
  ["tenant", "tenant"],
])(
  "a token revoked by %s is not active from the very next call, with since when, by whom and why",
  async (kind, claim) => {
    const claims = claimsOf();
    const token = signToken(key, claims);
    expect(await introspect(token)).toMatchObject({ active: true });
    const id = String(claims[claim]);
    if (kind === "tenant") {
      await redis.cli("SET", `tenant:revoked_after:main:${id}`, String(Math.floor(Date.now() / 1_000)), "EX", "60");
      expect(await introspect(token)).toEqual({ active: false, revoked: true });
      return;
    }
    const revoked = await fetch(`${plane.controlUrl}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${REVOKER}`, "content-type": "application/json" },
      body: JSON.stringify({ target: { kind, id }, reason: "laptop stolen" }),
    });
    const { at } = (await revoked.json()) as { readonly at: number };
    expect(await introspect(token)).toEqual({
      active: false,
      revoked: true,
      since: at,
      by: "ci",
      reason: "laptop stolen",
    });
  },
);

test.each([
  ["without a token", "token_type_hint=access_token", 400],
  ["with an empty one", "token=", 400],
  ["with two", "token=a&token=b", 400],
  ["that is empty", "", 400],
  ["that is no UTF-8", new Uint8Array([0x74, 0x6f, 0x6b, 0x65, 0x6e, 0x3d, 0xff]), 400],
])("a form %s", async (_what, body, status) => {
  expect((await send(body)).status).toBe(status);
});

test("anything but a form in the body of a POST is refused", async () => {
  const token = signToken(key, claimsOf());
  expect((await send(JSON.stringify({ token }), { "content-type": "application/json" })).status).toBe(415);
  expect((await send(`token=${token}`, {}, `?token=${token}`)).status).toBe(400);
  const get = await fetch(`${plane.controlUrl}/v1/introspect?token=${token}`, {
    headers: { authorization: `Bearer ${READER}` },
  });
  expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  expect((await send(`token=${"a".repeat(70_000)}`)).status).toBe(413);
});

test("it needs portcullis:read, and a caller", async () => {
  const body = `token=${signToken(key, claimsOf())}`;
  expect((await send(body, { authorization: `Bearer ${REVOKER}` })).status).toBe(403);
  expect((await send(body, { authorization: "Bearer nobody" })).status).toBe(401);
});

test("a watermark that cannot be read, and a store that is out, are told as such: never as active or not", async () => {
  const claims = claimsOf();
  const token = signToken(key, claims);
  await redis.cli("SET", `user:revoked_after:main:${String(claims["sub"])}`, "next tuesday");
  const unreadable = await send(`token=${token}`);
  expect([unreadable.status, await unreadable.json()]).toMatchObject([503, { code: "unreadable" }]);
  redis.pause();
  try {
    const out = await send(`token=${token}`);
    expect([out.status, await out.json()]).toMatchObject([503, { code: "store_unavailable" }]);
  } finally {
    redis.resume();
  }
});

test("no token that came here stands in the log", () => {
  expect(plane.process.output()).not.toMatch(/eyJ[\w-]{10}/);
});
