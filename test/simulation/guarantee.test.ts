// The guarantee over seeded worlds. A failing seed is printed; replay it alone with
//   SIM_SEED=<seed> npx vitest run --project simulation

import { expect, test } from "vitest";
import { decide } from "../../src/core/decide.ts";
import { createBreaker } from "../../src/resilience/breaker.ts";
import { createBatcher } from "../../src/revocation/batcher.ts";
import { createGuard } from "../../src/revocation/guard.ts";
import { createReplica } from "../../src/revocation/replica/replica.ts";
import { Vouching } from "../../src/revocation/redis/vouching.ts";
import { play } from "./scenario.ts";

const CODE = { createGuard, createBatcher, createBreaker, decide, createReplica, Vouching };
const CHECKS_PER_SEED = 25_000;
const SEED_COUNT = 80;

// eslint-disable-next-line no-process-env
const replay = process.env["SIM_SEED"];
const seeds = replay === undefined ? Array.from({ length: SEED_COUNT }, (_, i) => i + 1) : [Number(replay)];

test("no call is allowed on a revocation older than its tier's staleness, in a million checks", async () => {
  const outcomes: Record<string, number> = {};
  let checks = 0;
  for (const seed of seeds) {
    const report = await play(seed, CHECKS_PER_SEED, CODE);
    expect(report.violation, `seed ${seed}: replay with SIM_SEED=${seed}`).toBeUndefined();
    checks += report.checks;
    for (const [outcome, count] of Object.entries(report.outcomes))
      outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  if (replay !== undefined) return;
  expect(checks).toBeGreaterThanOrEqual(1_000_000);
  // The worlds were wild enough to mean something.
  for (const outcome of [
    "live",
    "recent",
    "replica",
    "revoked by replica",
    "fail-open",
    "revoked",
    "revocation_unavailable",
  ]) {
    expect(outcomes[outcome], outcome).toBeGreaterThan(10_000);
  }
  expect(outcomes["internal_error"]).toBeUndefined();
});
