// What can happen to a relay, to the way to it and to those who follow it: a follower is either right, or its position
// stands still; and who may not follow does not.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startBalancer, type Balancer } from "../support/balancer.ts";
import { newRevocation } from "../conformance/store-suite.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRelayedReplica, type ObservedReplica } from "../support/replica.ts";
import { JWKS } from "../support/sidecar.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";

const secrets = { sidecar: randomBytes(32).toString("base64url"), revoker: randomBytes(32).toString("base64url") };
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

let redis: RedisProcess;
let writer: ObservedStore;
let planes: PortcullisProcess[];
const ends: (() => Promise<unknown>)[] = [];

function startPlane(): Promise<PortcullisProcess> {
  return startPortcullis({
    command: "control",
    files: { "jwks.json": JWKS },
    config: `issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [a] }]
store: { type: redis, url: "${redis.url}" }
feed: { scanEvery: 2s }
control: { tokens: [{ name: fleet, sha256: ${sha256(secrets.sidecar)}, scopes: [portcullis:sidecar] },
    { name: ci, sha256: ${sha256(secrets.revoker)}, scopes: [portcullis:revoke, portcullis:read] }] }
`,
  });
}

beforeAll(async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  planes = await Promise.all([startPlane(), startPlane()]);
});
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});
afterAll(async () => {
  await Promise.all(planes.map((plane) => plane.stop()));
  await writer.store.stop();
  await redis.stop();
});

const target = (id: string) => ({ kind: "token", issuer: "main", id }) as const;

async function revoke(id: string): Promise<{ readonly id: string; readonly seq: number }> {
  const stored = await writer.store.put(newRevocation(target(id)));
  if (!stored.ok) throw new Error(stored.error.cause);
  return { id: stored.value.id, seq: stored.value.seq ?? 0 };
}

async function follow(url: string): Promise<ObservedReplica> {
  const observed = await startRelayedReplica(url, secrets.sidecar);
  ends.push(() => observed.stop());
  return observed;
}

const untilState = (observed: ObservedReplica, id: string, state: string): Promise<true> =>
  until(`${id} to be ${state}`, () => observed.stateOf(id) === state || undefined, 20_000, 2);

async function balance(): Promise<Balancer> {
  const balancer = await startBalancer(planes.map(({ controlUrl }) => controlUrl));
  ends.push(() => balancer.close());
  return balancer;
}

test("a way that swallows everything stops the position, and is found to be dead", async () => {
  const proxy = await startTcpProxy(Number(new URL(planes[0]?.controlUrl ?? "").port));
  ends.push(() => proxy.close());
  const observed = await follow(`http://127.0.0.1:${proxy.port}`);
  proxy.swallow(true);
  const swallowedAtMs = performance.now();
  await revoke("while-swallowed");
  await until("the position to be old", () => observed.age() > 1_500);
  expect(observed.replica.position?.monotonicMs).toBeLessThan(swallowedAtMs);
  await until("it to be noticed", () => observed.replica.status().why?.includes("(timeout: "), 20_000);
  proxy.mend();
  await untilState(observed, "while-swallowed", "revoked");
  await observed.untilCurrent();
});

test("two control planes behind one URL are one feed: its epoch and seq go on, and so does what is known", async () => {
  const balancer = await balance();
  const observed = await follow(balancer.url);
  const before = await revoke("before");
  await untilState(observed, "before", "revoked");
  await until("its seq", () => observed.replica.status().heededUpTo?.seq === before.seq);
  const epoch = observed.replica.status().heededUpTo?.epoch;
  balancer.order = [1, 0];
  balancer.cut();
  const lifted = await revoke("lifted-meanwhile");
  await writer.store.lift(lifted.id);
  const { seq } = await revoke("after");
  expect(observed.stateOf("before")).toBe("revoked"); // never forgotten in between
  await untilState(observed, "after", "revoked");
  expect(observed.stateOf("before")).toBe("revoked");
  expect(observed.stateOf("lifted-meanwhile")).toBe("active");
  await until("the same epoch", () => observed.replica.status().heededUpTo?.epoch === epoch || undefined);
  expect(observed.replica.status().heededUpTo?.seq).toBeGreaterThanOrEqual(seq);
  await writer.store.lift(before.id);
  await untilState(observed, "before", "active");
});

test("cut off for a moment it goes on from where it was, lifts and writes by hand included", async () => {
  const balancer = await balance();
  const observed = await follow(balancer.url);
  const { id } = await revoke("lifted");
  await untilState(observed, "lifted", "revoked");
  balancer.cut();
  await writer.store.lift(id);
  await redis.cli("SET", "revoked:jti:main:by-hand-meanwhile", "1", "EX", "600");
  await untilState(observed, "lifted", "active");
  await untilState(observed, "by-hand-meanwhile", "revoked");
  await observed.untilCurrent();
});

test("a Redis set back to an older file is another history behind a relay, too", async () => {
  const observed = await follow(planes[0]?.controlUrl ?? "");
  await revoke("kept");
  await redis.cli("SAVE");
  const file = join(redis.directory, "dump.rdb");
  await copyFile(file, `${file}.old`);
  // By hand: no control plane gives it back (ADR 13).
  await redis.cli("SET", "revoked:jti:main:lost", "1", "EX", "600");
  await untilState(observed, "lost", "revoked");
  await redis.kill();
  const killedAtMs = performance.now();
  await until("the position to be old", () => observed.age() > 1_500);
  expect(observed.replica.position?.monotonicMs).toBeLessThan(killedAtMs);
  await copyFile(`${file}.old`, file);
  await redis.restart();
  await until("the writer to be back", async () => (await writer.lookUp()) === "answered");
  await revoke("other");
  await untilState(observed, "other", "revoked");
  await untilState(observed, "lost", "active");
  expect(observed.stateOf("kept")).toBe("revoked");
  await observed.untilCurrent();
});

test("who has no token, or one for other things, neither follows nor looks up; and no other key is told", async () => {
  const url = planes[0]?.controlUrl ?? "";
  const upgraded = (bearer: string, query = ""): Promise<number> =>
    new Promise((resolve) => {
      const headers = { authorization: `Bearer ${bearer}` };
      const socket = new WebSocket(`${url.replace("http", "ws")}/v1/relay${query}`, { headers });
      socket.on("unexpected-response", (_, response) => resolve(response.statusCode ?? 0));
      socket.on("open", () => resolve(101));
      socket.on("error", () => undefined);
      ends.push(async () => socket.terminate());
    });
  const lookedUp = async (bearer: string, keys: unknown): Promise<Response> =>
    fetch(`${url}/v1/relay/look-ups`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: JSON.stringify({ keys }),
    });
  const stranger = randomBytes(32).toString("base64url");
  expect(await upgraded(stranger)).toBe(401);
  expect(await upgraded(secrets.revoker)).toBe(403);
  expect(await upgraded(secrets.sidecar, "?relay=../x&next=1")).toBe(400);
  expect(await upgraded(secrets.sidecar)).toBe(101);
  const key = `revoked:jti:main:${randomUUID()}`;
  await redis.cli("SET", key, "by hand", "EX", "60");
  await redis.cli("SET", "secret", "x");
  expect((await lookedUp(stranger, [key])).status).toBe(401);
  expect((await lookedUp(secrets.revoker, [key])).status).toBe(403);
  expect(await (await lookedUp(secrets.sidecar, [key, "global:revoked_after"])).json()).toEqual({
    values: ["by hand", null],
  });
  redis.pause();
  const unanswered = await lookedUp(secrets.sidecar, [key]);
  redis.resume();
  expect(unanswered.status).toBe(503);
  expect(await unanswered.json()).toMatchObject({ code: "store_unavailable", cause: expect.any(String) });
  for (const other of ["secret", "portcullis:{feed}:head", "", 7]) {
    expect([400, 422]).toContain((await lookedUp(secrets.sidecar, [key, other])).status);
  }
});
