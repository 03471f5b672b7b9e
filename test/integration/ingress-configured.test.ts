// The ways in as a configuration opens them, at a real `portcullis control` over a real Redis, and what a real Check finds afterwards.

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve, startJwksServer, type JwksServer } from "../support/jwks-server.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { createTestKey, signToken, type Json } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const ISSUER = "https://id.example.com";
const TRANSMITTER = "https://events.example.com";
const key = createTestKey("ES256", "k1");
const eventKey = createTestKey("RS256", "t1");
const token = randomBytes(32).toString("base64url");
const sha256 = createHash("sha256").update(token).digest("hex");

let redis: RedisProcess;
let keys: JwksServer;
let plane: PortcullisProcess;
let closed: PortcullisProcess;

const base = () => ({
  issuers: [{ issuer: ISSUER, jwks: { file: "jwks.json" }, audiences: ["orders-api"] }],
  store: { type: "redis", url: redis.url },
  control: { tokens: [{ name: "root", sha256, scopes: ["portcullis:admin"] }] },
});
const files = { "jwks.json": JSON.stringify({ keys: [key.jwk] }) };

beforeAll(async () => {
  redis = await startRedis();
  keys = await startJwksServer(serve([eventKey.jwk]));
  plane = await startPortcullis({
    command: "control",
    config: {
      ...base(),
      ingress: {
        backchannelLogout: [{ issuer: "main", audiences: ["shop"] }],
        ssf: [{ id: "risk", issuer: TRANSMITTER, jwks: { url: `${keys.url}/jwks` }, audiences: ["portcullis"] }],
      },
    },
    files,
  });
  closed = await startPortcullis({
    command: "control",
    config: { ...base(), ingress: { oauthRevoke: false, globalTokenRevocation: false } },
    files,
  });
});
afterAll(async () => {
  await Promise.all([plane.stop(), closed.stop(), keys.stop()]);
  await redis.stop();
});

function post(path: string, type: string, body: string, to = plane, bearer?: string): Promise<Response> {
  return fetch(`${to.controlUrl}${path}`, {
    method: "POST",
    headers: { "content-type": type, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) },
    body,
  });
}

const FORM = "application/x-www-form-urlencoded";
const nowS = () => Math.floor(Date.now() / 1_000);

function accessToken(changes: Json = {}): string {
  const claims = { iss: ISSUER, aud: "orders-api", jti: randomUUID(), iat: nowS() - 5, exp: nowS() + 600 };
  return signToken(key, { ...claims, ...changes });
}

/** What introspection, which judges as a Check does, says of it. */
async function isActive(accessed: string): Promise<boolean> {
  const answer = await post("/v1/introspect", FORM, new URLSearchParams({ token: accessed }).toString(), plane, token);
  return ((await answer.json()) as { active: boolean }).active;
}

test("a token that its holder revoked is no longer good", async () => {
  const mine = accessToken();
  await until("keys", () => isActive(mine));
  expect((await post("/oauth/revoke", FORM, `token=${mine}`)).status).toBe(200);
  expect(await isActive(mine)).toBe(false);
});

test("a session that its issuer ended is no longer good, another of the user is", async () => {
  const [sub, sid] = [randomUUID(), randomUUID()];
  const [ended, other] = [accessToken({ sub, sid }), accessToken({ sub, sid: "other" })];
  const events = { "http://schemas.openid.net/event/backchannel-logout": {} };
  const claims = { iss: ISSUER, aud: "shop", sub, sid, jti: randomUUID(), iat: nowS(), exp: nowS() + 60, events };
  const logout = signToken(key, claims, { typ: "logout+jwt" });
  expect((await post("/backchannel-logout", FORM, `logout_token=${logout}`)).status).toBe(200);
  expect([await isActive(ended), await isActive(other)]).toEqual([false, true]);
});

test("a user whose account a transmitter says is disabled is no longer let in", async () => {
  const sub = randomUUID();
  const theirs = accessToken({ sub });
  const claims = {
    iss: TRANSMITTER,
    aud: "portcullis",
    jti: randomUUID(),
    iat: nowS(),
    sub_id: { format: "iss_sub", iss: ISSUER, sub },
    events: { "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {} },
  };
  const event = signToken(eventKey, claims, { typ: "secevent+jwt" });
  await until("the transmitter's keys, and the event to be taken", async () => {
    const answer = await post("/ssf/events", "application/secevent+jwt", event);
    return answer.status === 202;
  });
  expect(await isActive(theirs)).toBe(false);
  // Remembered in the store, so another control plane would know it too: lifted, it does not come back.
  await redis.cli("DEL", `user:revoked_after:main:${sub}`);
  expect((await post("/ssf/events", "application/secevent+jwt", event)).status).toBe(202);
  expect(await isActive(theirs)).toBe(true);
});

test("a user named to global token revocation is no longer let in", async () => {
  const sub = randomUUID();
  const theirs = accessToken({ sub });
  const body = JSON.stringify({ sub_id: { format: "iss_sub", iss: ISSUER, sub } });
  expect((await post("/global-token-revocation", "application/json", body, plane, token)).status).toBe(204);
  expect(await isActive(theirs)).toBe(false);
});

test("what is not opened is not there, in the document neither", async () => {
  for (const path of ["/oauth/revoke", "/backchannel-logout", "/ssf/events", "/global-token-revocation"]) {
    expect((await post(path, FORM, "token=x", closed, token)).status).toBe(404);
  }
  const pathsOf = async (of: PortcullisProcess) => {
    const document = await (await fetch(`${of.controlUrl}/openapi.json`)).json();
    return Object.keys((document as { paths: object }).paths).filter((path) => !path.startsWith("/v1"));
  };
  expect(await pathsOf(closed)).not.toContain("/oauth/revoke");
  expect(await pathsOf(plane)).toEqual(
    expect.arrayContaining(["/oauth/revoke", "/backchannel-logout", "/ssf/events", "/global-token-revocation"]),
  );
});
