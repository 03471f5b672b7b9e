// Trap 23: every marker carries an expiry, so a Redis that evicts drops them without a word.
import { afterEach, expect, test } from "vitest";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let observed: ObservedStore;

afterEach(async () => {
  await observed.store.stop();
  await redis.stop();
});

test("a Redis that may evict is unfit from the first moment, and fit soon after it is told not to", async () => {
  redis = await startRedis({ args: ["--maxmemory", "100mb", "--maxmemory-policy", "volatile-lru"] });
  observed = await openRedisStore(redis.url);
  expect(observed.store.health()).toMatchObject({ reachable: true, unfit: expect.stringContaining("volatile-lru") });
  expect(observed.log.map(({ event }) => event)).toEqual(["store_unfit"]);
  await redis.cli("CONFIG", "SET", "maxmemory-policy", "noeviction");
  await until("the store to be fit", () => observed.store.health().unfit === undefined, 12_000);
});

test("an evicting policy counts without a limit of memory too", async () => {
  redis = await startRedis({ args: ["--maxmemory-policy", "allkeys-random"] });
  observed = await openRedisStore(redis.url);
  expect(observed.store.health().unfit).toContain("allkeys-random");
});

test("who waives it is not asked", async () => {
  redis = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
  observed = await openRedisStore(redis.url, { requireNoEviction: false });
  expect(observed.store.health().unfit).toBeUndefined();
});

test("a Redis that does not tell its policy is used with a warning", async () => {
  redis = await startRedis();
  await redis.cli("ACL", "SETUSER", "default", "-info");
  observed = await openRedisStore(redis.url);
  await until("the warning", () => observed.log.some(({ event }) => event === "store_eviction_policy_not_told"));
  expect(observed.store.health()).toMatchObject({
    reachable: true,
    unfit: undefined,
    describe: expect.stringContaining("not told"),
  });
});
