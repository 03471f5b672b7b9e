// Access tokens of a real issuer's keys at a real control API: for its audience alone, by their scopes, judged live.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { metadataOf } from "../support/ext-authz-proto.ts";
import { connectClients } from "../support/grpc-clients.ts";
import { PORTCULLIS, startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { createTestKey, signToken, type Json } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const ISSUER = "https://id.example.com";
const PARTNER = "https://partner.example.com";
const key = createTestKey("ES256", "k1");
const partnerKey = createTestKey("ES256", "p1");
const CI = randomBytes(32).toString("base64url");

let redis: RedisProcess;
let portcullis: PortcullisProcess;
let bootstrap: string;

beforeAll(async () => {
  redis = await startRedis();
  const sha256 = createHash("sha256").update(CI).digest("hex");
  portcullis = await startPortcullis({
    command: "dev",
    config: {
      issuers: [
        { id: "main", issuer: ISSUER, jwks: { file: "jwks.json" }, audiences: ["orders-api"] },
        { id: "partner", issuer: PARTNER, jwks: { file: "partner.json" }, audiences: ["orders-api"] },
      ],
      store: { type: "redis", url: redis.url },
      control: { issuer: "main", tokens: [{ name: "ci", sha256, scopes: ["portcullis:revoke", "portcullis:read"] }] },
    },
    files: {
      "jwks.json": JSON.stringify({ keys: [key.jwk] }),
      "partner.json": JSON.stringify({ keys: [partnerKey.jwk] }),
    },
  });
  bootstrap = readFileSync(join(portcullis.folder, "portcullis.token"), "utf8").trim();
});
afterAll(async () => {
  await portcullis.stop();
  await redis.stop();
});

function tokenOf(subject: string | undefined, scope: string, changes: Json = {}, signer = key): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const claims = { iss: ISSUER, aud: "portcullis", sub: subject, jti: randomUUID(), iat: nowS, exp: nowS + 600, scope };
  return signToken(signer, { ...claims, ...changes });
}

function call(method: string, path: string, token: string, body?: Json): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return fetch(`${portcullis.controlUrl}/v1/revocations${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const list = (token: string): Promise<Response> => call("GET", "", token);

const revoke = (token: string, target: Json): Promise<Response> =>
  call("POST", "", token, {
    target: { ...(target["kind"] === "everything" ? {} : { issuer: "main" }), ...target },
    reason: "test",
  });

async function idOf(answer: Promise<Response>): Promise<string> {
  return ((await (await answer).json()) as { readonly id: string }).id;
}

describe("an access token for the control API's audience", () => {
  test("may do what its scopes say, under its issuer's and subject's name", async () => {
    const token = tokenOf("helpdesk", "portcullis:read portcullis:revoke");
    expect((await revoke(token, { kind: "user", id: "mallory" })).status).toBe(201);
    expect((await revoke(token, { kind: "tenant", id: "acme" })).status).toBe(403);
    const { items } = (await (await list(token)).json()) as { items: readonly { by: string }[] };
    expect(items.map(({ by }) => by)).toContain("main/helpdesk");
  });

  test.each([
    ["portcullis:read", 200, 403, 403],
    ["portcullis:revoke", 403, 201, 403],
    ["portcullis:admin", 200, 201, 201],
    ["read write portcullis:rea portcullis:*", 403, 403, 403],
    ["", 403, 403, 403],
  ])("with the scopes %j", async (scope, listing, revoking, administering) => {
    const token = tokenOf("somebody", scope);
    expect((await list(token)).status).toBe(listing);
    expect((await revoke(token, { kind: "session", id: randomUUID() })).status).toBe(revoking);
    expect((await revoke(token, { kind: "client", id: randomUUID() })).status).toBe(administering);
  });
});

describe("nobody here, whatever its scopes, is a token", () => {
  const nowS = Math.floor(Date.now() / 1_000);
  const foreign = createTestKey("ES256", "k1");
  test.each([
    ["for the guarded API", tokenOf("root", "portcullis:admin", { aud: "orders-api" })],
    ["for nobody", tokenOf("root", "portcullis:admin", { aud: undefined })],
    ["that is expired", tokenOf("root", "portcullis:admin", { iat: nowS - 900, exp: nowS - 300 })],
    ["that lives too long", tokenOf("root", "portcullis:admin", { exp: nowS + 86_400 })],
    [
      "of another issuer that is trusted with the API",
      tokenOf("root", "portcullis:admin", { iss: PARTNER }, partnerKey),
    ],
    ["that another key signed", tokenOf("root", "portcullis:admin", {}, foreign)],
    ["without a subject: it has no name to act under", tokenOf(undefined, "portcullis:admin")],
  ])("%s", async (_what, token) => {
    const answer = await list(token);
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="portcullis", error="invalid_token"',
    ]);
  });

  test("and so is the control API's own at the guarded one", async () => {
    const clients = connectClients(portcullis.grpcAddress);
    const headers = { authorization: `Bearer ${tokenOf("root", "portcullis:admin")}` };
    const http = { method: "GET", path: "/", host: "localhost", headers };
    expect(metadataOf(await clients.check({ attributes: { request: { http } } }))).toMatchObject({
      reason: "wrong_audience",
    });
    clients.close();
  });

  test("so a configuration in which both have one audience is refused", async () => {
    const file = join(portcullis.folder, "one-audience.yaml");
    writeFileSync(file, readFileSync(portcullis.configFile, "utf8").replaceAll("orders-api", "portcullis"));
    const checking = startProcess(PORTCULLIS, ["check-config", file]);
    expect(await checking.end()).toBe(2);
    expect(checking.output()).toContain("control.audience");
  });
});

describe("a revoked administrator", () => {
  test.each([
    ["as a user", "user", "ada", {}],
    ["by token", "token", "token-of-ada", { jti: "token-of-ada" }],
    ["by session", "session", "session-of-ada", { sid: "session-of-ada" }],
  ])("%s is refused from the very next call", async (_how, kind, id, claims) => {
    const token = tokenOf("ada", "portcullis:admin", claims);
    await redis.cli("DEL", "user:revoked_after:main:ada");
    // A key deleted by hand lifts within a second.
    await until("the earlier revocation to be lifted", async () => (await list(token)).status === 200);
    expect((await revoke(bootstrap, { kind, id })).status).toBe(201);
    expect((await list(token)).status).toBe(401);
  });
});

describe("lifting", () => {
  test("one's own needs no more than revoking did", async () => {
    const token = tokenOf("desk-1", "portcullis:revoke");
    const id = await idOf(revoke(token, { kind: "user", id: "own-1" }));
    expect((await call("DELETE", `/${id}`, token)).status).toBe(204);
  });

  test("another's needs admin, though its name is alike", async () => {
    const id = await idOf(revoke(CI, { kind: "user", id: "others-1" }));
    expect((await call("DELETE", `/${id}`, tokenOf("ci", "portcullis:revoke"))).status).toBe(403);
    expect((await call("DELETE", `/${id}`, tokenOf("boss", "portcullis:admin"))).status).toBe(204);
  });

  test("another's needs admin also after one has strengthened it; a second time under one's own name changes nothing", async () => {
    const target = { kind: "user", id: "others-2" };
    const first = await idOf(revoke(CI, target));
    const token = tokenOf("desk-2", "portcullis:revoke");
    for (let round = 0; round < 2; round += 1) {
      const id = await idOf(revoke(token, target));
      expect((await call("DELETE", `/${id}`, token)).status).toBe(403);
    }
    expect((await call("DELETE", `/${first}`, CI)).status).toBe(409);
  });
});

test("while the store is out nobody's token can be judged: 503, and neither let in nor called bad", async () => {
  const token = tokenOf("helpdesk", "portcullis:read");
  redis.pause();
  try {
    expect((await list(token)).status).toBe(503);
  } finally {
    redis.resume();
  }
});

test("after everything was revoked a bootstrap token still lifts it, and no access token of before does", async () => {
  const token = tokenOf("boss", "portcullis:admin");
  const id = await idOf(revoke(bootstrap, { kind: "everything" }));
  expect((await list(token)).status).toBe(401);
  expect((await list(CI)).status).toBe(200);
  expect((await call("DELETE", `/${id}`, token)).status).toBe(401);
  expect((await call("DELETE", `/${id}`, bootstrap)).status).toBe(204);
});
