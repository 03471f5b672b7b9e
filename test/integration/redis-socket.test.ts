// Redis on a unix socket, with a password, a database and a file that goes away.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let redis: RedisProcess;
let observed: ObservedStore;

beforeEach(async () => {
  redis = await startRedis({ socket: true, password: "s/cr:t@" });
  observed = await openRedisStore(`${redis.url}?db=3`);
});

afterEach(async () => {
  await observed.store.stop();
  await redis.stop();
});

test("a Redis behind a socket is used in its database, named without its password, and found again", async () => {
  expect((await observed.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" }))).ok).toBe(true);
  expect(await redis.cli("-n", "3", "EXISTS", "revoked:jti:main:a")).toBe("1");
  expect(observed.store.health().describe).toBe(`unix:${redis.directory}/redis.sock db 3, a primary answers`);
  await redis.kill();
  await observed.untilLookUp(3_000, "connection_refused");
  await redis.restart();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});
