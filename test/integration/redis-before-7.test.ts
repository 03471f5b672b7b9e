// Redis 6.2 has no PEXPIRETIME; the scripts then reckon with PTTL and TIME. Renaming the command away stands for it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation, valueOf } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

let redis: RedisProcess;
let observed: ObservedStore;

beforeAll(async () => {
  redis = await startRedis({ args: ["--rename-command", "PEXPIRETIME", ""] });
  observed = await openRedisStore(redis.url);
});

afterAll(async () => {
  await observed.store.stop();
  await redis.stop();
});

test("expiries are joined and told within a few milliseconds", async () => {
  const target = { kind: "user", issuer: "main", id: "alice" } as const;
  const late = Date.now() + 7_200_000;
  await observed.store.put(newRevocation(target, { expiresAtMs: late }));
  const stored = valueOf(await observed.store.put(newRevocation(target)));
  expect(Math.abs((stored.expiresAtMs ?? 0) - late)).toBeLessThan(50);
  expect(Math.abs((valueOf(await observed.store.get(stored.id))?.expiresAtMs ?? 0) - late)).toBeLessThan(50);
  const forEver = valueOf(await observed.store.put(newRevocation(target, { expiresAtMs: undefined })));
  expect(forEver.expiresAtMs).toBeUndefined();
  expect(valueOf(await observed.store.get(forEver.id))?.expiresAtMs).toBeUndefined();
});
