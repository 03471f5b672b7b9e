// Look-ups have a connection of their own: whatever becomes of the one for writes and scans, they go on.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

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

async function idOf(name: string): Promise<string> {
  const line = (await redis.cli("CLIENT", "LIST")).split("\n").find((one) => one.includes(` name=${name} `));
  return /^id=(\d+) /.exec(line ?? "")?.[1] ?? "";
}

test("a cut control connection costs no look-up, and the next write waits for the new one", async () => {
  const first = await until("the control connection", () => idOf("portcullis-control"));
  await redis.cli("CLIENT", "KILL", "ID", first);
  for (let i = 0; i < 20; i += 1) expect(await observed.lookUp()).toBe("answered");
  expect((await observed.store.put(newRevocation({ kind: "everything" }))).ok).toBe(true);
  expect(await idOf("portcullis-control")).not.toBe(first);
});

test("a cut look-up connection is connection_lost, never asked again by itself, and soon replaced", async () => {
  const waiting = observed.store.read(["a"], 2_000);
  expect((await waiting).ok).toBe(true);
  await redis.cli("CLIENT", "KILL", "ID", await idOf("portcullis-look-up"));
  await observed.untilLookUp(2_000, "connection_lost");
  await observed.untilLookUp(3_000, "answered");
});
