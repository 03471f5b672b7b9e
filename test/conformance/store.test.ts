// Runs the suite that every store passes over memory, a SQLite file, a real Redis and a real Cluster.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { createEmbeddedStore } from "../../src/revocation/embedded/store.ts";
import { createMemoryStore } from "../../src/revocation/memory/store.ts";
import { createRedisStore } from "../../src/revocation/redis/store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { startClusterSetting, type ClusterSetting } from "../support/redis-cluster.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";
import { describeAudit } from "./audit-suite.ts";
import { describeStopped, describeStore, KEY_PREFIX, realClock } from "./store-suite.ts";
import { describePendingStore } from "./pending-suite.ts";
import { describePublication } from "./publication-suite.ts";
import { describeEventLog, describeFleetBoard, describeForgetting } from "./fleet-suite.ts";

const silent = { info() {}, warn() {}, error() {} };
let directory: string;
let redis: RedisProcess;
let cluster: ClusterSetting;
const stores: RevocationStore[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "stores-"));
  [redis, cluster] = await Promise.all([startRedis(), startClusterSetting()]);
});

afterAll(async () => {
  await Promise.all(stores.map((store) => store.stop()));
  await redis.stop();
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
});

async function started(store: RevocationStore): Promise<RevocationStore> {
  stores.push(store);
  await store.start();
  await until("the store to be reachable", () => store.health().reachable);
  return store;
}

const MAKERS: Readonly<Record<string, () => RevocationStore>> = {
  memory: () => createMemoryStore({ clock: realClock, keyPrefix: KEY_PREFIX }),
  embedded: () => createEmbeddedStore({ path: join(directory, "store.db"), clock: realClock, keyPrefix: KEY_PREFIX }),
  redis: () =>
    createRedisStore({
      url: redis.url,
      clock: realClock,
      keyPrefix: KEY_PREFIX,
      timeoutMs: 1_000,
      requireNoEviction: true,
      log: silent,
    }),
  "redis cluster": () =>
    createRedisStore({
      url: cluster.url,
      clock: realClock,
      keyPrefix: KEY_PREFIX,
      timeoutMs: 1_000,
      requireNoEviction: true,
      log: silent,
    }),
};

const byName: Record<string, () => RevocationStore> = {};
for (const [name, make] of Object.entries(MAKERS)) {
  let store: RevocationStore;
  byName[name] = () => store;
  beforeAll(async () => {
    store = await started(make());
  });
  describeStore(name, () => store);
  describeEventLog(name, () => store);
  describeAudit(name, () => store);
  describeFleetBoard(name, () => store);
  describePendingStore(name, () => store);
  describePublication(name, () => store);
  describeStopped(name, () => started(make()));
}
describeForgetting(byName);
