// Redis 6.2 has no PEXPIRETIME, so that the scripts reckon with PTTL and TIME, and no EVAL_RO. Renaming the commands away
// stands for it.
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation, valueOf } from "../conformance/store-suite.ts";
import { startReplica } from "../support/replica.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let observed: ObservedStore;

beforeAll(async () => {
  redis = await startRedis({ args: ["--rename-command", "PEXPIRETIME", "", "--rename-command", "EVAL_RO", ""] });
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

test("a replica is kept all the same", async () => {
  const replica = await startReplica(redis.url);
  await observed.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" }));
  await until("it to be revoked", () => replica.stateOf("a") === "revoked");
  await replica.untilCurrent();
  await replica.stop();
});
