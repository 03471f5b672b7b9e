// A schedule is its seed's: the same again each time, over in time, and never twice at once on one part.

import { expect, test } from "vitest";
import { describePlan, plan } from "../../chaos/schedule.ts";
import { createRandom } from "../../support/random.ts";

const FAULTS = [
  { name: "killed", part: "store" },
  { name: "paused", part: "store" },
  { name: "reset", part: "a way", mostMs: 300 },
  { name: "out", part: "issuer" },
];
const LASTING_MS = 6_000;
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);
const planOf = (seed: number) => plan(createRandom(seed), FAULTS, LASTING_MS);

test("the same seed gives the same schedule, and others give others", () => {
  const texts = SEEDS.map((seed) => describePlan(planOf(seed)));
  expect(SEEDS.map((seed) => describePlan(planOf(seed)))).toEqual(texts);
  expect(new Set(texts).size).toBeGreaterThan(190);
});

test("every fault is over in time, and none lasts longer than it may", () => {
  for (const seed of SEEDS) {
    for (const { fault, atMs, forMs } of planOf(seed)) {
      expect(atMs + forMs).toBeLessThanOrEqual(LASTING_MS + 1);
      expect(forMs).toBeLessThanOrEqual(fault.mostMs ?? LASTING_MS);
    }
  }
});

test("two faults of one part never overlap, and faults of different parts do", () => {
  let overlaps = 0;
  for (const seed of SEEDS) {
    const planned = planOf(seed);
    for (const [i, a] of planned.entries()) {
      for (const b of planned.slice(i + 1)) {
        if (b.atMs >= a.atMs + a.forMs) continue;
        expect(a.fault.part).not.toBe(b.fault.part);
        overlaps += 1;
      }
    }
  }
  expect(overlaps).toBeGreaterThan(50);
});
