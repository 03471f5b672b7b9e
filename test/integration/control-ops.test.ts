// A control plane of its own is operated like any other server: probed by whoever, scraped by whoever may read. Its one
// listener may be open to strangers.

import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const READER = randomBytes(32).toString("base64url");
const ADMIN = randomBytes(32).toString("base64url");
const SIDECAR = randomBytes(32).toString("base64url");
const hashOf = (token: string): string => createHash("sha256").update(token).digest("hex");

let redis: RedisProcess;
let plane: PortcullisProcess;
beforeAll(async () => {
  redis = await startRedis();
  plane = await startPortcullis({
    command: "control",
    config: `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
store: { type: redis, url: "${redis.url}" }
control:
  tokens:
    - { name: reader, sha256: ${hashOf(READER)}, scopes: [portcullis:read] }
    - { name: admin, sha256: ${hashOf(ADMIN)}, scopes: [portcullis:admin] }
    - { name: sidecar, sha256: ${hashOf(SIDECAR)}, scopes: [portcullis:sidecar] }
`,
    files: { "jwks.json": JWKS },
  });
});
afterAll(async () => {
  await plane.stop();
  await redis.stop();
});

const get = (path: string, token?: string): Promise<Response> =>
  fetch(`${plane.controlUrl}${path}`, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

const statusOf = async (path: string, token?: string): Promise<number> => (await get(path, token)).status;

test("it is alive, and ready while its store answers", async () => {
  expect(await statusOf("/livez")).toBe(200);
  await until("ready", async () => (await statusOf("/readyz")) === 200);
  await redis.kill();
  await until("it to say that the store is out", async () => {
    const report = (await (await get("/readyz")).json()) as { components: { store: { state: string } } };
    return report.components.store.state !== "ready";
  });
  expect(await statusOf("/livez")).toBe(200);
  expect(await (await get("/metrics", READER)).text()).toMatch(/^portcullis_fleet_lag_max_seconds Nan$/im);
  await redis.restart();
  await until("ready again", async () => (await statusOf("/readyz")) === 200);
});

test("a SIGHUP, meant for the sidecars beside it, ends it not: it says that it reads its file at its start only", async () => {
  plane.process.signal("SIGHUP");
  await plane.process.line(/"part":"control","event":"config_change_needs_restart"/);
  expect(await statusOf("/livez")).toBe(200);
});

test("its metrics are for those who may read, and hold the counts of this process", async () => {
  expect(await statusOf("/metrics")).toBe(401);
  expect(await statusOf("/metrics", SIDECAR)).toBe(403);
  const answer = await get("/metrics", READER);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(await answer.text()).toMatch(/^portcullis_store_up [01]$/m);
});

test("what is revoked and lifted is counted", async () => {
  const actions = async (): Promise<readonly string[]> => {
    const text = await (await get("/metrics", READER)).text();
    return text.split("\n").filter((line) => /^portcullis_control_actions_total\{action="(revoke|lift)"\}/.test(line));
  };
  expect(await actions()).toEqual([
    'portcullis_control_actions_total{action="revoke"} 0',
    'portcullis_control_actions_total{action="lift"} 0',
  ]);
  const headers = { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" };
  const body = JSON.stringify({ target: { kind: "session", issuer: "main", id: "s1" }, reason: "test" });
  const made = await fetch(`${plane.controlUrl}/v1/revocations`, { method: "POST", headers, body });
  expect(made.status).toBe(201);
  const { id } = (await made.json()) as { id: string };
  const lifted = await fetch(`${plane.controlUrl}/v1/revocations/${id}`, {
    method: "DELETE",
    headers: { authorization: headers.authorization },
  });
  expect(lifted.status).toBe(204);
  expect(await actions()).toEqual([
    'portcullis_control_actions_total{action="revoke"} 1',
    'portcullis_control_actions_total{action="lift"} 1',
  ]);
});
