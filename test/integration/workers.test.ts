// A sidecar of two workers over a real Redis: each address answers as a sidecar does, and what one process is, both are
// together: one replica, one engine for keys, one configuration, one readiness, one end.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { connectClients } from "../support/grpc-clients.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { callerOf, startSidecar, token, type Caller, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let writer: ObservedStore;
let sidecar: SidecarUnderTest;
let addresses: readonly string[];
let callers: readonly Caller[];

const yaml = (url: string): string => `workers: 2
listen: { grpc: ["127.0.0.1:0", "127.0.0.1:0"], ops: "127.0.0.1:0" }
store: { url: "${url}" }
routes:
  - { path: /low, tier: low }
  - { path: /open, anonymous: true }
`;

async function start(url: string): Promise<void> {
  sidecar = await startSidecar(yaml(url));
  addresses = sidecar.grpcAddresses;
  callers = addresses.map(callerOf);
}

beforeAll(async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  await start(redis.url);
});
afterAll(async () => {
  for (const caller of callers) caller.close();
  await sidecar.stop();
  await writer.store.stop();
  await redis.stop();
});

const statuses = (path: string, bearer?: string): Promise<readonly number[]> =>
  Promise.all(
    callers.map(
      async ({ check }) => (await check({ path, ...(bearer === undefined ? {} : { token: bearer }) })).status,
    ),
  );

interface Status {
  readonly ready: boolean;
  readonly replica: { readonly lag_ms: number | null; readonly entries: number };
}
const told = async (): Promise<Status> => (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as Status;

test("each worker answers at its own address, and a revocation is heeded at both from the one replica", async () => {
  expect(new Set(addresses).size).toBe(2);
  const jti = "a-token";
  const bearer = token({ jti });
  await until("a position", async () => (await told()).replica.lag_ms !== null);
  expect(await statuses("/low", bearer)).toEqual([200, 200]);
  expect(await writer.store.put(newRevocation({ kind: "token", issuer: "main", id: jti }))).toMatchObject({ ok: true });
  await until("both to refuse", async () => (await statuses("/low", bearer)).every((status) => status === 401));
});

test("metrics are those of both workers", async () => {
  const open = 'portcullis_decisions_total{decision="allow",reason="ok",tier="none",assurance="anonymous"}';
  const before = await sidecar.metric(open);
  expect(await statuses("/open")).toEqual([200, 200]);
  expect(await sidecar.metric(open)).toBe(before + 2);
  expect(await sidecar.metric("portcullis_store_up")).toBe(1);
});

test("health is the same at every address, and /readyz speaks of the workers", async () => {
  const clients = addresses.map((address) => connectClients(address));
  expect(await Promise.all(clients.map((client) => client.health("")))).toEqual(["SERVING", "SERVING"]);
  for (const client of clients) client.close();
  const ready = await (await fetch(`${sidecar.opsUrl}/readyz`)).json();
  expect(ready).toMatchObject({ ready: true, components: { workers: { state: "ready" }, store: { state: "ready" } } });
});

test("a changed file is in force in every worker, and a bad one in none", async () => {
  const good = readFileSync(sidecar.configFile, "utf8");
  const reloads = (result: string): Promise<number> =>
    sidecar.metric(`portcullis_config_reload_total{result="${result}"}`);
  writeFileSync(sidecar.configFile, good.replace("/open", "/new"));
  await until("the change to be in force", async () => (await reloads("ok")) === 1);
  expect([await statuses("/open"), await statuses("/new")]).toEqual([
    [401, 401],
    [200, 200],
  ]);
  writeFileSync(sidecar.configFile, good.replace("workers: 2", "workers: 3"));
  await until("the change to be refused", async () => (await reloads("refused")) === 1);
  await sidecar.process.line(/has 2 of the 3 addresses that 3 workers need/);
  expect(await statuses("/new")).toEqual([200, 200]);
  writeFileSync(sidecar.configFile, good);
  await until("the change to be in force", async () => (await reloads("ok")) === 2);
  expect(await statuses("/open", token())).toEqual([200, 200]);
});

test("while the store is out, what the one replica knows is refused at both, tokens never seen before included", async () => {
  const jti = "another-token";
  expect(await writer.store.put(newRevocation({ kind: "token", issuer: "main", id: jti }))).toMatchObject({ ok: true });
  await until("the replica to know", async () => (await told()).replica.entries === 2);
  await redis.kill();
  expect(await statuses("/low", token({ jti }))).toEqual([401, 401]);
  expect(await statuses("/low", token())).toEqual([200, 200]);
});
