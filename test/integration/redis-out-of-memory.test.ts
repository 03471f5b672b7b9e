// Trap 23: Redis is full. With noeviction a write is refused and told apart; reads go on.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let redis: RedisProcess;
let observed: ObservedStore;

beforeEach(async () => {
  redis = await startRedis();
  observed = await openRedisStore(redis.url);
});

afterEach(async () => {
  await observed.store.stop();
  await redis.stop();
});

test("a full Redis refuses a revocation as out_of_memory, keeps what it has, and still answers look-ups", async () => {
  const target = { kind: "token", issuer: "main", id: "a" } as const;
  await observed.store.put(newRevocation(target));
  await redis.cli("CONFIG", "SET", "maxmemory", "1");
  const refused = newRevocation({ ...target, id: "b" });
  expect(await observed.store.put(refused)).toMatchObject({ ok: false, error: { cause: "out_of_memory" } });
  expect(await observed.lookUp()).toBe("answered");
  const read = await observed.store.read(["revoked:jti:main:a", "revoked:jti:main:b"], 1_000);
  expect(read).toEqual({ ok: true, value: [expect.any(String), null] });
  await redis.cli("CONFIG", "SET", "maxmemory", "0");
  expect((await observed.store.put(refused)).ok).toBe(true);
});
