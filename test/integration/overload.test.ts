// Three times what a sidecar takes at once: the surplus is told so at once, and whoever was let in waits no longer for it.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type Answer, type SidecarUnderTest } from "../support/sidecar.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";

const MOST_IN_FLIGHT = 50;
/** Each way to the store and back, so that everybody who is let in is still there when the surplus comes. */
const ONE_WAY_MS = 250;
const BURSTS = 4;

let redis: RedisProcess;
let proxy: TcpProxy;
let sidecar: SidecarUnderTest;

beforeAll(async () => {
  redis = await startRedis();
  proxy = await startTcpProxy(redis.port);
  sidecar = await startSidecar(`
store: { url: "redis://127.0.0.1:${proxy.port}", timeout: 10s }
feed: { type: none }
deadline: 20s
limits: { maxInFlight: ${MOST_IN_FLIGHT} }
tiers: { critical: { maxStaleness: 0s }, low: { maxStaleness: 0s, failOpenFor: 5m } }
routes: [{ path: /low, tier: low }]
`);
});

afterAll(async () => {
  await sidecar.stop();
  await proxy.close();
  await redis.stop();
});

const bearer = token();
const burst = (count: number): Promise<readonly Answer[]> =>
  Promise.all(Array.from({ length: count }, () => sidecar.check({ path: "/low", token: bearer, timeoutMs: 30_000 })));
const longest = (answers: readonly Answer[]): number => Math.max(...answers.map(({ ms }) => ms));

test("the surplus is refused as overloaded before anybody else is answered, never let through, and slows nobody down", async () => {
  expect((await burst(MOST_IN_FLIGHT)).every(({ status }) => status === 200)).toBe(true);
  proxy.delay(ONE_WAY_MS);
  const alone = longest(await burst(MOST_IN_FLIGHT));
  for (let i = 0; i < BURSTS; i += 1) {
    const answers = await burst(3 * MOST_IN_FLIGHT);
    const admitted = answers.filter(({ status }) => status === 200);
    const surplus = answers.filter(({ status }) => status !== 200);
    expect(admitted.map(({ metadata }) => metadata["assurance"])).toEqual(Array(MOST_IN_FLIGHT).fill("live"));
    expect(new Set(surplus.map(({ status, metadata }) => `${status} ${String(metadata["reason"])}`))).toEqual(
      new Set(["503 overloaded"]),
    );
    expect(longest(surplus)).toBeLessThan(Math.min(...admitted.map(({ ms }) => ms)));
    // With room for a machine that is busy elsewhere.
    expect(longest(admitted)).toBeLessThan(2 * alone);
  }
  const refusals = `portcullis_decisions_total{decision="deny",reason="overloaded",tier="none",assurance="none"}`;
  expect(await sidecar.metric(refusals)).toBe(BURSTS * 2 * MOST_IN_FLIGHT);
});
