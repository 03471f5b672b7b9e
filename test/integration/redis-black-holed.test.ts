// Trap 29: half-open TCP. The way to Redis swallows everything and tells nobody: no RST, no FIN, no ICMP.
import { expect } from "vitest";
import { BACK_WITHIN_MS } from "../support/redis-store.ts";
import { proxiedTest as test } from "../support/redis-test.ts";
import { until } from "../support/wait.ts";

test("dead connections are torn down and made anew, though nobody ever says that they are dead", async ({
  proxy,
  observed,
}) => {
  proxy.swallow(false);
  expect(await observed.lookUp()).toBe("timeout");
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});

test("an idle store notices a dead connection by itself, before a call needs it", async ({ proxy, observed }) => {
  proxy.swallow(false);
  await until("the store to notice", () => !observed.store.health().reachable, BACK_WITHIN_MS);
  await until("the store to be back, unasked", () => observed.store.health().reachable, BACK_WITHIN_MS);
  expect(await observed.lookUp()).toBe("answered");
});

test("connections swallowed from their first packet are given up and tried again", async ({ proxy, observed }) => {
  proxy.swallow(true);
  const begin = performance.now();
  while (performance.now() - begin < 4_000) expect(await observed.lookUp()).toBe("timeout");
  expect(proxy.connections()).toBeLessThan(8);
  proxy.mend();
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});

test("stopping does not wait for an answer to the farewell", async ({ proxy, observed }) => {
  proxy.swallow(true);
  const begin = performance.now();
  await observed.store.stop();
  expect(performance.now() - begin).toBeLessThan(2_000);
});
