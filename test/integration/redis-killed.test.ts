// Trap 29, 31: Redis is killed. Look-ups say so at once, nothing throws, and the store is back soon after Redis is.
import { expect } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, openRedisStore } from "../support/redis-store.ts";
import { test } from "../support/redis-test.ts";

test("a killed Redis is a lost, then a refused connection, and no error goes unheard", async ({ redis, observed }) => {
  await redis.kill();
  await observed.untilLookUp(2_000, "connection_lost", "connection_refused");
  await observed.untilLookUp(3_000, "connection_refused");
  expect(observed.store.health()).toMatchObject({
    reachable: false,
    describe: expect.stringContaining("connection_refused"),
  });
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(put).toMatchObject({ ok: false, error: { cause: "connection_refused" } });
  await redis.restart();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
  expect(observed.store.health().reachable).toBe(true);
  expect((await observed.store.put(newRevocation({ kind: "everything" }))).ok).toBe(true);
});

test("a Redis that dies with look-ups under way answers each of them with a cause", async ({ redis, observed }) => {
  redis.pause();
  const asked = Array.from({ length: 50 }, () => observed.store.read(["a"], 5_000));
  await redis.kill();
  const causes = new Set((await Promise.all(asked)).map((answer) => (answer.ok ? "answered" : answer.error.cause)));
  expect([...causes]).toEqual(["connection_lost"]);
});

test("a store started while Redis is away is no error, and is there once Redis is", async ({ redis }) => {
  await redis.kill();
  const early = await openRedisStore(redis.url, { waitUntilReachable: false });
  try {
    expect(["disconnected", "connection_refused"]).toContain(await early.lookUp());
    await early.untilLookUp(3_000, "connection_refused");
    await redis.restart();
    await early.untilLookUp(BACK_WITHIN_MS, "answered");
  } finally {
    await early.store.stop();
  }
});

test("a Redis restarted many times over is found again each time", async ({ redis, observed }) => {
  for (let i = 0; i < 4; i += 1) {
    await redis.kill();
    await redis.restart();
    expect(await observed.untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
  }
});

test("stopping the store while Redis is away leaves nothing behind", async ({ redis, observed }) => {
  await redis.kill();
  await observed.untilLookUp(3_000, "connection_refused");
  await observed.store.stop();
  expect(await observed.lookUp()).toBe("stopped");
});
