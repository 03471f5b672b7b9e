import { defineConfig, type ViteUserConfig } from "vitest/config";
import { RUNS_TIMEOUT_MS } from "./test/support/fuzz-time.ts";

/** Each of these makes load or an outage and looks at the clock while it lasts: nothing else may run beside it. */
const ALONE = [
  "fail-policy",
  "fleet",
  "loop-held",
  "outage-growth",
  "overload",
  "redis-black-holed",
  "redis-paused",
  "redis-sentinel-*",
].map((name) => `test/integration/${name}.test.ts`);

/** Each of these is a whole landscape, and mostly waits: one more may run beside it. */
const IN_PAIRS = [
  "dashboard-browser",
  "kafka",
  "record",
  "redis-cluster-*",
  "redis-replicated",
  "redis-store-lost",
  "relay-*",
  "replica-faults",
  "replica-soak",
  "documented-commands",
].map((name) => `test/integration/${name}.test.ts`);
const INTEGRATION = { testTimeout: 60_000, hookTimeout: 60_000 };
const E2E = { include: ["test/e2e/**/*.test.ts"], testTimeout: 90_000, hookTimeout: 90_000 };

/** About tokens and what becomes of calls, whatever carries the Checks: once is enough. */
const ANY_TRANSPORT = ["collector", "observe", "revoke-only", "sender-constrained", "signed-identity", "workers"].map(
  (name) => `test/e2e/${name}.test.ts`,
);

const config: ViteUserConfig = defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 20_000 } },
      { test: { name: "property", include: ["test/property/**/*.test.ts"], testTimeout: RUNS_TIMEOUT_MS } },
      {
        test: {
          name: "simulation",
          include: ["test/simulation/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
      { test: { name: "conformance", include: ["test/conformance/**/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          exclude: [...ALONE, ...IN_PAIRS],
          ...INTEGRATION,
        },
      },
      { test: { name: "pairs", include: IN_PAIRS, ...INTEGRATION } },
      { test: { name: "alone", include: [...ALONE, "test/chaos/*.test.ts"], ...INTEGRATION } },
      // Both transports are held to the same suite, through real Envoys.
      { test: { name: "e2e", ...E2E, env: { PORTCULLIS_TEST_TRANSPORT: "wire" } } },
      { test: { name: "e2e-grpc-js", ...E2E, exclude: ANY_TRANSPORT, env: { PORTCULLIS_TEST_TRANSPORT: "grpc-js" } } },
    ],
  },
});

export default config;
