// Trap 29: Redis is up and connected to, but still reads its data from disk.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let redis: RedisProcess;
let observed: ObservedStore;

beforeEach(async () => {
  // Both are Redis' own test settings: 2 ms a key, and a look at its clients after every KiB.
  redis = await startRedis({
    args: [
      "--key-load-delay",
      "2000",
      "--loading-process-events-interval-bytes",
      "1024",
      "--enable-debug-command",
      "yes",
    ],
  });
  observed = await openRedisStore(redis.url);
});

afterEach(async () => {
  await observed.store.stop();
  await redis.stop();
});

test("a Redis that loads is not taken for one that has nothing, and is used once it is done", async () => {
  await redis.cli("DEBUG", "POPULATE", "2000");
  await redis.cli("SET", "revoked:jti:main:a", "1");
  await redis.cli("SAVE");
  await redis.kill();
  await redis.restart({ waitUntilReady: false });
  await observed.untilLookUp(BACK_WITHIN_MS, "loading");
  expect(observed.store.health()).toMatchObject({ reachable: false, describe: expect.stringContaining("loading") });
  expect(await observed.store.put(newRevocation({ kind: "everything" }))).toMatchObject({
    ok: false,
    error: { cause: "loading" },
  });
  await observed.untilLookUp(20_000, "answered");
  expect(await observed.store.read(["revoked:jti:main:a"], 1_000)).toEqual({ ok: true, value: ["1"] });
});
