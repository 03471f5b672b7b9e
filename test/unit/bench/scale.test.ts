// The simulation behind docs/scale.md, held to what can be reckoned by hand.
import { expect, test } from "vitest";
import { simulate, type Costs, type Topology } from "../../../bench/scale/simulate.ts";

const COSTS: Costs = { redis: { writeUs: 10, furtherUs: 0.2 }, relay: { writeUs: 20, furtherUs: 2 } };
const ONE: Topology = { regions: 1, sidecarsPerRegion: 1_000, nearMs: 0.5, farMs: 75, relaysPerRegion: "none" };

test("a revocation by itself takes as long as it takes to tell all, and the way", () => {
  const { p50Ms, busyRatio } = simulate(ONE, COSTS, 1, 200);
  expect(p50Ms).toBeGreaterThan(10); // 1,000 × 10 µs
  expect(p50Ms).toBeLessThan(10 + 10 * 0.5);
  expect(busyRatio).toBeCloseTo(0.01, 2);
});

test("half as many followers for each relay are told in half the time", () => {
  const nearby = { ...ONE, nearMs: 0.001 };
  const five = simulate({ ...nearby, relaysPerRegion: 5 }, COSTS, 1, 200).p50Ms;
  const ten = simulate({ ...nearby, relaysPerRegion: 10 }, COSTS, 1, 200).p50Ms;
  expect(five / ten).toBeCloseTo(2, 1);
});

test("another region is as far away as it is, by Redis and by relays of its own", () => {
  for (const relaysPerRegion of ["none", 10] as const) {
    const { p50Ms } = simulate({ ...ONE, regions: 3, relaysPerRegion }, COSTS, 1, 200);
    expect(p50Ms).toBeGreaterThan(75);
    expect(p50Ms).toBeLessThan(75 * 4);
  }
});

test("more than can be told one by one is told together: late, but not ever later", () => {
  const flooded = (count: number): number => simulate(ONE, COSTS, 1_000, count).p99Ms;
  expect(simulate(ONE, COSTS, 1_000, 1_000).busyRatio).toBeGreaterThan(0.95);
  expect(flooded(4_000) / flooded(1_000)).toBeLessThan(2);
});

test("the same is simulated every time", () => {
  expect(simulate(ONE, COSTS, 10, 100)).toEqual(simulate(ONE, COSTS, 10, 100));
});
