// A replica of a real Redis knows within moments what was revoked and lifted, by whomever, and says of when that is;
// whether it reads Redis itself or is told by a control plane.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { relayOf, startRelayedReplica, startReplica, type ObservedReplica } from "../support/replica.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const token = (id: string) => ({ kind: "token", issuer: "main", id }) as const;

describe.each(["redis", "relay"] as const)("fed by %s", (way) => {
  let redis: RedisProcess;
  let writer: ObservedStore;
  let observed: ObservedReplica;
  let plane: ControlPlane | undefined;

  beforeAll(async () => {
    redis = await startRedis();
    writer = await openRedisStore(redis.url);
    await writer.store.put(newRevocation(token("before-the-start")));
    if (way === "redis") {
      observed = await startReplica(redis.url);
      return;
    }
    plane = await startControlPlane({ around: () => writer.store, relay: relayOf(redis.url) });
    observed = await startRelayedReplica(plane.url, plane.tokens.sidecar);
  });

  afterAll(async () => {
    await observed.stop();
    await plane?.stop();
    await writer.store.stop();
    await redis.stop();
  });

  test("what stood before it started is there with its first position", () => {
    expect(observed.stateOf("before-the-start")).toBe("revoked");
    expect(observed.stateOf("other")).toBe("active");
  });

  test("a revocation and its lift arrive in moments", async () => {
    const revocation = newRevocation(token("a"));
    await writer.store.put(revocation);
    await until("it to be revoked", () => observed.stateOf("a") === "revoked", 2_000, 1);
    await writer.store.lift(revocation.id);
    await until("it to be lifted", () => observed.stateOf("a") === "active", 2_000, 1);
  });

  test("a key set and deleted by redis-cli arrives by push in moments, long before the next scan", async () => {
    await until("the push to count", () => observed.replica.status().isPushed);
    await redis.cli("SET", "revoked:jti:main:by-hand", "1", "EX", "600");
    await until("it to be revoked", () => observed.stateOf("by-hand") === "revoked", 2_000, 1);
    await redis.cli("DEL", "revoked:jti:main:by-hand");
    await until("it to be lifted", () => observed.stateOf("by-hand") === "active", 2_000, 1);
  });

  test("a watermark that cannot be read is left to the store", async () => {
    await redis.cli("SET", "user:revoked_after:main:alice", "yesterday");
    await until("it to be seen", () => observed.stateOf("other") === "unreadable", 2_000, 1);
    await redis.cli("SET", "user:revoked_after:main:alice", "1000000001");
    await until("it to be seen", () => observed.stateOf("other") === "revoked", 2_000, 1);
    await redis.cli("SET", "user:revoked_after:main:alice", "1000000000");
    await until("it to be seen", () => observed.stateOf("other") === "active", 2_000, 1);
  });

  test("a marker ends at its expiry by the store's clock", async () => {
    await redis.cli("SET", "revoked:jti:main:short", "1", "PX", "1200");
    await until("it to be revoked", () => observed.stateOf("short") === "revoked", 1_000, 1);
    await until("it to end", () => observed.stateOf("short") === "active", 6_000);
  });

  test("it stays current while nothing happens, and every seq counts", async () => {
    for (let i = 0; i < 3; i += 1) await observed.untilCurrent();
    expect(observed.age()).toBeLessThan(5_000);
    const stored = await writer.store.put(newRevocation(token("last")));
    await until("its seq", () => stored.ok && observed.replica.status().seq === stored.value.seq);
  });

  test("everything flushed is nothing revoked, and it is in step again", async () => {
    await redis.cli("FLUSHALL");
    await until("it to be forgotten", () => observed.stateOf("before-the-start") === "active");
    await observed.untilCurrent();
    await writer.store.put(newRevocation(token("after-the-flush")));
    await until("a new epoch to be followed", () => observed.stateOf("after-the-flush") === "revoked", 5_000, 1);
  });
});

test("keys of another type are reported by the scan", async () => {
  const redis = await startRedis();
  await redis.cli("LPUSH", "revoked:jti:main:a-list", "1");
  const scanning = await startReplica(redis.url, { scanEveryMs: 1_000 });
  await until("the report", () => scanning.wrongTypeCount() === 1);
  expect(scanning.log).toContainEqual({ event: "store_markers_of_wrong_type", fields: { count: 1 } });
  await scanning.stop();
  await redis.stop();
});
