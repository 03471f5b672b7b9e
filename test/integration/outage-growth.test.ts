// Nothing grows without bound in a store's outage, however many tokens nobody has seen come meanwhile; and each of them
// is good again once the store is back.

import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const TOKEN_COUNT = 50_000;
const IN_FLIGHT = 200;
/** What is measured against: by then code is compiled and caches are full. */
const WARM_AFTER = 10_000;
/** Measured: 60 MB, most of it room that the collector takes; with every token kept (verifiedTokens: 100000) 470 MB. */
const MAX_GROWTH_BYTES = 200_000_000;

let redis: RedisProcess;
let sidecar: SidecarUnderTest;
beforeAll(async () => {
  redis = await startRedis();
  sidecar = await startSidecar(`store: { type: redis, url: "${redis.url}" }
feed: { type: none }
limits: { verifiedTokens: 1000 }
deadline: 10s
routes:
  - { path: /low, tier: low }
  - { path: /standard, tier: standard }
telemetry: { decisions: { deny: 0, allow: 0 } }
`);
});
afterAll(async () => {
  await sidecar.stop();
  await redis.stop();
});

const rssBytes = (): Promise<number> => sidecar.metric("process_resident_memory_bytes");

/** A token of the size that real ones have. */
const newToken = (i: number): string => token({ sub: `user-${i}`, scope: `read write ${"s".repeat(300)}` });

test("50,000 different tokens in an outage leave the process as large as it was, and all is well after it", async () => {
  const seenBefore = newToken(-1);
  expect((await sidecar.check({ path: "/low", token: seenBefore })).status).toBe(200);
  await redis.kill();
  await until(
    "the outage",
    async () => (await sidecar.check({ path: "/standard", token: newToken(-2) })).status === 503,
  );

  const answers = new Map<string, number>();
  let next = 0;
  let warmBytes = 0;
  const lane = async (): Promise<void> => {
    while (next < TOKEN_COUNT) {
      const i = next++;
      if (i === WARM_AFTER) warmBytes = await rssBytes();
      const tier = i % 2 === 0 ? "low" : "standard";
      const { status, metadata } = await sidecar.check({ path: `/${tier}`, token: newToken(i) });
      const answer = `${tier} ${status} ${String(metadata["assurance"] ?? metadata["reason"])}`;
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));

  expect(Object.fromEntries(answers)).toEqual({
    "low 200 fail-open": TOKEN_COUNT / 2,
    "standard 503 revocation_unavailable": TOKEN_COUNT / 2,
  });
  expect((await rssBytes()) - warmBytes).toBeLessThan(MAX_GROWTH_BYTES);
  const status = (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as { readonly in_flight: number };
  expect(status.in_flight).toBe(0);

  await redis.restart();
  await until("the store to be asked", async () => {
    const { metadata } = await sidecar.check({ path: "/standard", token: newToken(0) });
    return metadata["assurance"] === "live";
  });
  expect((await sidecar.check({ path: "/low", token: seenBefore })).status).toBe(200);
}, 180_000);
