// A sidecar with its replica, from outside: which calls ask Redis, which do not, and what it tells of itself.
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let writer: ObservedStore;
let sidecar: SidecarUnderTest;

beforeAll(async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  sidecar = await startSidecar(`
store: { type: redis, url: "${redis.url}" }
feed: { type: redis }
tiers:
  critical: { maxStaleness: 0s }
  standard: { maxStaleness: 5s }
routes:
  - { path: /critical, tier: critical }
  - { path: /standard, tier: standard }
`);
  await until("the replica to be ready", async () => {
    const report = (await (await fetch(`${sidecar.opsUrl}/readyz`)).json()) as {
      components: { replica: { state: string } };
    };
    return report.components.replica.state === "ready";
  });
});

afterAll(async () => {
  await sidecar.stop();
  await writer.store.stop();
  await redis.stop();
});

const lookups = (source: string, result: string): Promise<number> =>
  sidecar.metric(`portcullis_revocation_lookups_total{source="${source}",result="${result}"}`);

test("a token never seen is let through by the replica where the tier allows it, and asked for where not", async () => {
  const bearer = token();
  const asked = await lookups("store", "active");
  const answer = await sidecar.check({ path: "/standard", token: bearer });
  expect(answer.status).toBe(200);
  expect(answer.metadata["assurance"]).toBe("recent");
  expect(await lookups("replica", "active")).toBeGreaterThan(0);
  expect((await sidecar.check({ path: "/critical", token: bearer })).metadata["assurance"]).toBe("live");
  expect(await lookups("store", "active")).toBeGreaterThan(asked);
});

test("a revocation refuses in moments, with its id, and a lift lets through again", async () => {
  const bearer = token({ jti: "one" });
  const revocation = newRevocation({ kind: "token", issuer: "main", id: "one" });
  await writer.store.put(revocation);
  const check = (): ReturnType<SidecarUnderTest["check"]> => sidecar.check({ path: "/standard", token: bearer });
  await until("a refusal", async () => (await check()).status === 401, 2_000, 1);
  expect((await check()).metadata).toMatchObject({ reason: "revoked", revocation_id: revocation.id });
  await writer.store.lift(revocation.id);
  await until("it to pass", async () => (await check()).status === 200, 5_000, 5);
});

test("metrics and status tell where it stands", async () => {
  expect(await sidecar.metric("portcullis_replica_lag_seconds")).toBeLessThan(5);
  await until("the seq of the lift", async () => (await sidecar.metric("portcullis_replica_seq")) >= 2);
  expect(await sidecar.metric("portcullis_replica_wrong_type_keys")).toBe(0);
  const status: unknown = await (await fetch(`${sidecar.opsUrl}/status`)).json();
  expect(status).toMatchObject({ replica: { push: true, seq: expect.any(Number), entries: expect.any(Number) } });
});
