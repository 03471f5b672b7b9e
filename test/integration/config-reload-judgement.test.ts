// What a reload changes for callers, at once, and what it must leave alone: calls in flight, and what is known of revoked
// tokens (ADR 9).

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { createTestKey } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const PARTNER = "https://partner.example.com";
const partnerKey = createTestKey("ES256", "p1");

let redis: RedisProcess;
let sidecar: SidecarUnderTest;
let good: string;
beforeAll(async () => {
  redis = await startRedis();
  sidecar = await startSidecar(`store: { type: redis, url: "${redis.url}", timeout: 5s }
deadline: 20s
tiers:
  critical: { maxStaleness: 0s }
  low: { maxStaleness: 1ms, failOpenFor: 5m }
routes:
  - { path: /low, tier: low }
`);
  writeFileSync(join(sidecar.folder, "partner.json"), JSON.stringify({ keys: [partnerKey.jwk] }));
  good = readFileSync(sidecar.configFile, "utf8");
});
afterAll(async () => {
  await sidecar.stop();
  await redis.stop();
});
beforeEach(() => reloadWith(good));

async function reloadWith(text: string): Promise<void> {
  const counted = (): Promise<number> => sidecar.metric('portcullis_config_reload_total{result="ok"}');
  const before = await counted();
  writeFileSync(sidecar.configFile, text);
  sidecar.process.signal("SIGHUP");
  await until("the reload", async () => (await counted()) > before);
}

const withPartner = (text: string): string =>
  text
    .replace(
      "issuers:\n",
      `issuers:\n  - { id: partner, issuer: "${PARTNER}", jwks: { file: partner.json }, audiences: [orders-api] }\n`,
    )
    .replace('- { issuer: "https://id', '- { id: main, issuer: "https://id');

const partnerToken = (): string => token({ iss: PARTNER }, {}, partnerKey);

test("an issuer that comes is trusted from the reload on, with its keys; one that goes is unknown, its tokens refused", async () => {
  const bearer = partnerToken();
  expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ reason: "unknown_issuer" });
  await reloadWith(withPartner(good));
  expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({
    decision: "allow",
    issuer: "partner",
  });
  expect((await sidecar.check({ path: "/", token: token() })).status).toBe(200);
  await reloadWith(good);
  expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ reason: "unknown_issuer" });
});

test("an issuer's narrower audience counts for tokens that were verified before", async () => {
  const bearer = token();
  expect((await sidecar.check({ path: "/", token: bearer })).status).toBe(200);
  await reloadWith(good.replace("orders-api", "billing-api"));
  expect((await sidecar.check({ path: "/", token: bearer })).metadata).toMatchObject({ reason: "wrong_audience" });
});

test("a route's new tier and scopes count for the next call", async () => {
  const bearer = token({ scope: "read" });
  expect((await sidecar.check({ path: "/low", token: bearer })).metadata).toMatchObject({ tier: "low" });
  await reloadWith(good.replace("tier: low }", "tier: critical, scopes: [write] }"));
  expect((await sidecar.check({ path: "/low", token: bearer })).metadata).toMatchObject({
    tier: "critical",
    reason: "insufficient_scope",
  });
});

test("a call in flight ends under the rules it began with", async () => {
  redis.pause();
  const inFlight = sidecar.check({ path: "/old", token: token() });
  await until("the call to wait for the store", async () => {
    const status = (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as { readonly in_flight: number };
    return status.in_flight === 1;
  });
  await reloadWith(good.replace("routes:", "routes:\n  - { path: /old, anonymous: true }"));
  expect((await sidecar.check({ path: "/old" })).metadata).toMatchObject({ assurance: "anonymous" });
  redis.resume();
  expect((await inFlight).metadata).toMatchObject({ decision: "allow", assurance: "live" });
});

test("no call is lost or judged differently while one reload follows another", async () => {
  const bearer = token();
  const over = new AbortController();
  const answers = new Map<number, number>();
  const calling = (async () => {
    while (!over.signal.aborted) {
      const { status } = await sidecar.check({ path: "/low", token: bearer });
      answers.set(status, (answers.get(status) ?? 0) + 1);
    }
  })();
  for (let i = 0; i < 5; i += 1) await reloadWith(good.replace("routes:", `routes:\n  - { path: /new-${i} }`));
  over.abort();
  await calling;
  expect([...answers.keys()]).toEqual([200]);
});

test("a token once seen revoked stays refused after a reload, though the store is out and the tier is forgiving", async () => {
  const jti = "revoked-before-the-reload";
  const revoked = token({ jti });
  const other = token();
  await redis.cli("SET", `revoked:jti:main:${jti}`, "1");
  expect((await sidecar.check({ path: "/low", token: revoked })).status).toBe(401);
  await redis.kill();
  try {
    await reloadWith(good.replace("routes:", "routes:\n  - { path: /other }"));
    expect((await sidecar.check({ path: "/low", token: other })).metadata).toMatchObject({ assurance: "fail-open" });
    expect((await sidecar.check({ path: "/low", token: revoked })).metadata).toMatchObject({ reason: "revoked" });
  } finally {
    await redis.restart();
  }
  await until("the store to be back", async () => (await sidecar.check({ path: "/", token: other })).status === 200);
});

test("a change of telemetry is told to need a restart", async () => {
  await reloadWith(`${good}telemetry: { sampleRatio: 0.5 }\n`);
  const [, part] = await sidecar.process.line(/"part":"(telemetry)","event":"config_change_needs_restart"/);
  expect(part).toBe("telemetry");
});
