// The files that comparisons with other guards are run with: each says what it measures, and means it.

import { expect, it } from "vitest";
import { configOf } from "./support.ts";

interface Scenario {
  readonly address: string;
  readonly maxStaleness: string;
  readonly verifiedTokens: number;
}

function benchmarkFile({ address, maxStaleness, verifiedTokens }: Scenario): string {
  return `listen: { grpc: "${address}", ops: "127.0.0.1:51091" }
issuers:
  - { issuer: "https://issuer.example", id: main, jwks: { file: "/data/jwks.json" }, audiences: [orders-api], algorithms: [RS256, ES256], profile: jwt, maxLifetime: 25h }
store: { type: redis, url: "unix:/run/redis.sock", requireNoEviction: false }
feed: { type: none }
tiers: { bench: { maxStaleness: ${maxStaleness} } }
limits: { verifiedTokens: ${verifiedTokens} }
telemetry: { sampleRatio: 0, decisions: { allow: 0 } }
`;
}

const SCENARIOS: readonly (readonly [string, Scenario])[] = [
  [
    "warm: the store is asked on every call",
    { address: "unix:/run/a.sock", maxStaleness: "0s", verifiedTokens: 100_000 },
  ],
  ["local: an answer of 2 s is good", { address: "127.0.0.1:51090", maxStaleness: "2s", verifiedTokens: 100_000 }],
  ["cold: no verified token is remembered", { address: "unix:/run/a.sock", maxStaleness: "0s", verifiedTokens: 0 }],
];

it.each(SCENARIOS)("%s", (_title, scenario) => {
  const config = configOf(benchmarkFile(scenario));
  expect(config.limits.verifiedTokenCount).toBe(scenario.verifiedTokens);
  expect(config.tiers).toEqual([
    { name: "bench", rank: 0, maxStalenessMs: scenario.maxStaleness === "2s" ? 2_000 : 0, failOpenForMs: 0 },
  ]);
  expect(config.listen.grpc).toHaveLength(1);
  expect(config.telemetry.decisions).toMatchObject({ denyRatio: 1, allowRatio: 0 });
});
