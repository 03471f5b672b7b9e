// The reference identity service over a real Redis beside a real Portcullis: its tokens are verified there, its keys change
// without a refused call, its back-channel logout is understood, and a second process on the same Redis is the same service.
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeProtectedHeader } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRedisStore } from "../../examples/identity-service/store/redis.ts";
import type { IdentityStore } from "../../examples/identity-service/store/store.ts";
import { logIn, SECRET, sha256, startIdentity, type Identity } from "../support/identity.ts";
import { CALLBACK, refresh, type Login } from "../support/oidc-login.ts";
import { freePorts } from "../support/ports.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const token = randomBytes(32).toString("base64url");
const folder = mkdtempSync(join(tmpdir(), "identity-"));

let redis: RedisProcess;
let portcullis: PortcullisProcess;
let identity: Identity;
let controlPort: number;

const openStore = (): IdentityStore => openRedisStore(redis.url, "identity:", () => undefined);

beforeAll(async () => {
  [controlPort = 0] = await freePorts(1);
  redis = await startRedis();
  writeFileSync(join(folder, "token"), token);
  identity = await startIdentity({
    store: openStore(),
    portcullis: { url: `http://127.0.0.1:${controlPort}`, issuerId: "main", tokenFile: join(folder, "token") },
    clients: [
      { client_id: "shop", client_secret: SECRET, redirect_uris: [CALLBACK] },
      {
        client_id: "partner",
        client_secret: SECRET,
        redirect_uris: [CALLBACK],
        // Portcullis itself, in the role of a client that keeps sessions.
        backchannel_logout_uri: `http://127.0.0.1:${controlPort}/backchannel-logout`,
      },
    ],
  });
  portcullis = await startPortcullis({
    command: "control",
    config: {
      listen: { control: `127.0.0.1:${controlPort}` },
      issuers: [{ issuer: identity.issuer, jwks: { url: `${identity.issuer}/jwks` }, audiences: ["orders-api"] }],
      store: { type: "redis", url: redis.url, timeout: "2s" },
      deadline: "2s",
      control: { tokens: [{ name: "identity", sha256: sha256(token), scopes: ["portcullis:admin"] }] },
      ingress: { backchannelLogout: [{ issuer: "main", audiences: ["partner"] }] },
    },
  });
});
afterAll(async () => {
  await identity.stop();
  await portcullis.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What introspection, which judges as a Check does, says of an access token. */
async function isActive(accessToken: string): Promise<boolean> {
  const answer = await fetch(`${portcullis.controlUrl}/v1/introspect`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams({ token: accessToken }),
  });
  return ((await answer.json()) as { readonly active: boolean }).active;
}

const kidOf = ({ tokens }: Pick<Login, "tokens">): string | undefined => decodeProtectedHeader(tokens.accessToken).kid;

test("a token is good there until its session ends", async () => {
  const { tokens } = await logIn(identity.issuer, "alice");
  await until("the keys to be read", () => isActive(tokens.accessToken));
  expect(await identity.api("DELETE", `/sessions/${tokens.claims.sid}`)).toEqual({
    status: 200,
    json: { delivered: true },
  });
  expect(await isActive(tokens.accessToken)).toBe(false);
});

test("the next key is published before it signs, the last one after, and no token is refused meanwhile", async () => {
  const before = await logIn(identity.issuer, "alice");
  await until("the keys to be read", () => isActive(before.tokens.accessToken));
  const published = async (): Promise<readonly string[]> =>
    (
      (await (await fetch(`${identity.issuer}/jwks`)).json()) as { readonly keys: readonly { readonly kid: string }[] }
    ).keys.map(({ kid }) => kid);
  const [signing, next] = await published();
  expect(kidOf(before)).toBe(signing);

  expect(await identity.api("POST", "/keys/rotate")).toMatchObject({ status: 200, json: { kid: next } });

  const after = await logIn(identity.issuer, "alice");
  expect(kidOf(after)).toBe(next);
  expect(await published()).toEqual(expect.arrayContaining([signing, next]));
  expect((await published()).length).toBe(3);
  expect(await isActive(after.tokens.accessToken)).toBe(true);
  expect(await isActive(before.tokens.accessToken)).toBe(true);
  expect(kidOf({ tokens: await refresh(before.config, before.tokens.refreshToken) })).toBe(next);
});

test("a second process on the same Redis is the same service: sessions, keys and refresh tokens are one", async () => {
  const { config, tokens } = await logIn(identity.issuer, "bob");
  const second = await startIdentity({ store: openStore(), issuer: identity.issuer });
  const answers = await Promise.all(
    Array.from({ length: 2 }, async () => (await second.api("GET", "/keys")).json["keys"]),
  );
  expect(answers[0]).toEqual((await identity.api("GET", "/keys")).json["keys"]);
  await second.service.sessions.endAllOf("bob", "admin");
  await expect(refresh(config, tokens.refreshToken)).rejects.toMatchObject({ error: "invalid_grant" });
  await second.stop();
});

test("its back-channel logout ends the session of the access tokens", async () => {
  const login = await logIn(identity.issuer, "alice", { client: "partner" });
  await until("the keys to be read", () => isActive(login.tokens.accessToken));
  const page = await login.browser.get(`${identity.issuer}/session/end`);
  const xsrf = /name="xsrf" value="([^"]*)"/.exec(page.text)?.[1] ?? "";
  await login.browser.post(`${identity.issuer}/session/end/confirm`, { xsrf, logout: "yes" });
  expect(await isActive(login.tokens.accessToken)).toBe(false);
  const answer = await fetch(`${portcullis.controlUrl}/v1/audit?limit=20`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { items } = (await answer.json()) as { readonly items: readonly { actor: string; target?: { id?: string } }[] };
  const actors = items.filter(({ target }) => target?.id === login.tokens.claims.sid).map(({ actor }) => actor);
  expect(actors).toEqual(expect.arrayContaining(["identity", expect.stringContaining("main")]));
});

test("while Redis is away nobody logs in and nothing is pretended", async () => {
  redis.pause();
  try {
    const response = await fetch(`${identity.service.privateUrl}/readyz`);
    expect(response.status).toBe(503);
    expect((await identity.api("POST", "/users/alice/sign-out")).status).toBe(500);
  } finally {
    redis.resume();
  }
  await until("it to be back", async () => (await fetch(`${identity.service.privateUrl}/readyz`)).ok);
  await logIn(identity.issuer, "alice");
});
