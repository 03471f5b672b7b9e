// Counting what several sidecars saw without counting it twice: exact while it is few, close when it is many.
import { describe, expect, test } from "vitest";
import { createDistinctCounter, distinctCount, HASH_BITS, MAX_KEPT } from "../../../src/core/distinct-count.ts";

/** Evenly spread, and the same in every run (a linear congruential generator). */
function hashes(count: number, seed: number): readonly number[] {
  let state = BigInt(seed);
  return Array.from({ length: count }, () => {
    state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
    return Number(state >> BigInt(64 - HASH_BITS));
  });
}

function keptOf(values: readonly number[]): readonly number[] {
  const counter = createDistinctCounter();
  for (const value of values) counter.add(value);
  return counter.kept();
}

describe("the number of different things that several counters saw", () => {
  test("is exact while each saw few, and counts what several saw once", () => {
    const seen = hashes(90, 1);
    expect(distinctCount([keptOf([...seen, ...seen]), keptOf(seen.slice(30)), []])).toEqual({
      count: 90,
      isExact: true,
    });
    expect(distinctCount([])).toEqual({ count: 0, isExact: true });
  });

  test("is exact over several counters that together saw more than one of them keeps", () => {
    const seen = hashes(150, 2);
    expect(distinctCount([keptOf(seen.slice(0, 75)), keptOf(seen.slice(75))])).toEqual({ count: 150, isExact: true });
  });

  test("is what the hundredth smallest hash says, where they are spread evenly", () => {
    const seen = Array.from({ length: 1_000 }, (_, i) => ((i + 1) * 2 ** HASH_BITS) / 1_000);
    expect(distinctCount([keptOf(seen)])).toEqual({ count: 990, isExact: false });
  });

  test.each([1_000, 50_000])("is an estimate of %i within four standard errors, whoever saw them", (count) => {
    const seen = hashes(count, 3);
    const parts = [seen.slice(0, count * 0.7), seen.slice(count * 0.4)].map(keptOf);
    for (const part of parts) expect(part).toHaveLength(MAX_KEPT);
    const found = distinctCount(parts);
    expect(found.isExact).toBe(false);
    expect(Math.abs(found.count - count) / count).toBeLessThan(0.4);
    expect(distinctCount([keptOf(seen)])).toEqual(found);
  });
});
