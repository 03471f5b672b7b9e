// Trap 29: Redis is stopped in its tracks (SIGSTOP): its sockets stay open, and nothing is ever answered.
import { expect } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, LOOK_UP_TIMEOUT_MS } from "../support/redis-store.ts";
import { test } from "../support/redis-test.ts";
import { until } from "../support/wait.ts";

test("a paused Redis is a time-out within the look-up's time, and is back soon after it goes on", async ({
  redis,
  observed,
}) => {
  redis.pause();
  expect(await observed.lookUp()).toBe("timeout");
  const pausedAt = performance.now();
  // Beyond the end of the connection by silence and of the next ones, which the kernel accepts and nobody greets.
  while (performance.now() - pausedAt < 5_000) expect(await observed.lookUp()).toBe("timeout");
  expect(observed.store.health()).toMatchObject({ reachable: false, describe: expect.stringContaining("timeout") });
  redis.resume();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
  expect((await observed.store.put(newRevocation({ kind: "everything" }))).ok).toBe(true);
});

test("a short pause costs its own time only: the connection is kept", async ({ redis, observed }) => {
  const ids = async (): Promise<string> => (await redis.cli("CLIENT", "LIST")).replace(/(?<=id=\d+) .*/g, "");
  redis.pause();
  expect(await observed.lookUp()).toBe("timeout");
  redis.resume();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
  expect(await ids()).toMatch(/^id=\d+\nid=\d+\nid=\d+$/); // ours and redis-cli's
});

test("a late answer is dropped: it settles neither the look-up that gave up nor a later one", async ({
  redis,
  observed,
}) => {
  await redis.cli("SET", "first", "1");
  await redis.cli("SET", "second", "2");
  redis.pause();
  const first = await observed.store.read(["first"], LOOK_UP_TIMEOUT_MS);
  expect(first).toMatchObject({ ok: false, error: { cause: "timeout" } });
  const second = observed.store.read(["second"], 10_000);
  redis.resume();
  expect(await second).toEqual({ ok: true, value: ["2"] });
});

test("nothing grows while Redis is paused: past a bound look-ups fail at once, unasked", async ({
  redis,
  observed,
}) => {
  redis.pause();
  const asked = 20_000;
  const begin = performance.now();
  const early: number[] = [];
  const answers = await Promise.all(
    Array.from({ length: asked }, async () => {
      const answer = await observed.store.read(["a"], 400);
      if (performance.now() - begin < 300) early.push(1);
      return answer.ok ? "answered" : answer.error.cause;
    }),
  );
  expect(new Set(answers)).toEqual(new Set(["timeout"]));
  expect(early.length).toBeGreaterThan(asked - 1_000);
  redis.resume();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});

test("a long pause leaves no crowd of connections behind", async ({ redis, observed }) => {
  redis.pause();
  const pausedAt = performance.now();
  while (performance.now() - pausedAt < 4_000) await observed.lookUp();
  redis.resume();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
  // Of the two one may be in its pause between connections still when the other answers.
  await until("the two connections, and no other", async () => {
    const clients = (await redis.cli("CLIENT", "LIST")).split("\n").filter((line) => !line.includes("cmd=client|list"));
    return clients.length === 2;
  });
});

test("a write to a paused Redis is an error, though it may have happened", async ({ redis, observed }) => {
  redis.pause();
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(put).toMatchObject({ ok: false, error: { cause: "timeout" } });
});
