// The chaos suite's short form: a run of a chosen seed in each world, and one broken build that it must catch. `make chaos`
// is the long one.

import { expect, test } from "vitest";
import { firstViolation, MUTANTS } from "./mutants.ts";
import { run } from "./run.ts";
import { startSetting } from "./setting.ts";
import type { WorldName } from "./worlds/world.ts";

/** Seeds whose schedules hold a good deal of what their world has. */
const RUNS: readonly (readonly [world: WorldName, seed: number])[] = [
  ["single", 2],
  ["sentinel", 1],
  ["cluster", 2],
];
const LASTING_MS = 3_000;

test.each(RUNS)(
  "in the world of %s, under the schedule of seed %i, every promise is kept",
  async (world, seed) => {
    const setting = await startSetting(world);
    try {
      const { violations, plan, counts } = await run(setting.world, setting.fleet, { seed, lastingMs: LASTING_MS });
      expect(violations, plan).toEqual([]);
      expect(counts["revocations acknowledged"] ?? 0, plan).toBeGreaterThan(0);
    } finally {
      await setting.stop();
    }
  },
  240_000,
);

test("a build in which an answer from memory is good for ever is caught", async () => {
  const [mutant] = MUTANTS;
  expect(mutant && (await firstViolation(mutant))).toMatch(/^allow \(recent\)/);
}, 240_000);
