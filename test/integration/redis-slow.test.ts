// Trap 29: Redis answers, but too late.
import { expect } from "vitest";
import { BACK_WITHIN_MS, LOOK_UP_TIMEOUT_MS } from "../support/redis-store.ts";
import { proxiedTest as test } from "../support/redis-test.ts";

test("answers later than the look-up's time are time-outs, and never another question's answer", async ({
  redis,
  proxy,
  observed,
}) => {
  for (let i = 0; i < 30; i += 1) await redis.cli("SET", `key-${i}`, `value-${i}`);
  proxy.delay(2 * LOOK_UP_TIMEOUT_MS);
  expect(await observed.lookUp()).toBe("timeout");
  const asked = Array.from({ length: 30 }, (_, i) =>
    observed.store.read([`key-${i}`], i % 2 === 0 ? LOOK_UP_TIMEOUT_MS : 5_000),
  );
  const answers = await Promise.all(asked);
  const timeout = { ok: false, error: expect.objectContaining({ cause: "timeout" }) };
  expect(answers).toEqual(answers.map((_, i) => (i % 2 === 0 ? timeout : { ok: true, value: [`value-${i}`] })));
  proxy.delay(0);
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});

test("a slow way on which something always comes keeps its connection", async ({ redis, proxy, observed }) => {
  const opened = async (): Promise<string | undefined> =>
    /total_connections_received:(\d+)/.exec(await redis.cli("INFO", "stats"))?.[1];
  proxy.delay(2 * LOOK_UP_TIMEOUT_MS);
  const before = Number(await opened());
  const begin = performance.now();
  while (performance.now() - begin < 3_000) expect(await observed.lookUp()).toBe("timeout");
  expect(Number(await opened())).toBe(before + 1); // redis-cli's own
});
