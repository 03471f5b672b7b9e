// Look-ups have a connection of their own: whatever becomes of the one for writes and scans, they go on.
import { expect } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import type { RedisProcess } from "../support/redis-server.ts";
import { test } from "../support/redis-test.ts";
import { until } from "../support/wait.ts";

async function idOf(redis: RedisProcess, name: string): Promise<string> {
  const line = (await redis.cli("CLIENT", "LIST")).split("\n").find((one) => one.includes(` name=${name} `));
  return /^id=(\d+) /.exec(line ?? "")?.[1] ?? "";
}

test("a cut control connection costs no look-up, and the next write waits for the new one", async ({
  redis,
  observed,
}) => {
  const first = await until("the control connection", () => idOf(redis, "portcullis-control"));
  await redis.cli("CLIENT", "KILL", "ID", first);
  for (let i = 0; i < 20; i += 1) expect(await observed.lookUp()).toBe("answered");
  expect((await observed.store.put(newRevocation({ kind: "everything" }))).ok).toBe(true);
  expect(await idOf(redis, "portcullis-control")).not.toBe(first);
});

test("a cut look-up connection is connection_lost, never asked again by itself, and soon replaced", async ({
  redis,
  observed,
}) => {
  const waiting = observed.store.read(["a"], 2_000);
  expect((await waiting).ok).toBe(true);
  await redis.cli("CLIENT", "KILL", "ID", await idOf(redis, "portcullis-look-up"));
  await observed.untilLookUp(2_000, "connection_lost");
  await observed.untilLookUp(3_000, "answered");
});
