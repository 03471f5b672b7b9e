// What `make bench-check` concludes from readings: a loss is found, noise is told from it, and neither passes in silence.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compare, MAX_LOSS_RATIO, type Comparison, type TeamReading } from "../../../bench/check/compare.ts";
import { CHART_FILE, drawHistory, readHistory, type HistoryEntry } from "../../../bench/check/history.ts";
import { MEASURES, type Measure } from "../../../bench/check/measures.ts";
import { createRandom } from "../../support/random.ts";

const COST: Readonly<Record<Measure, number>> = {
  recent: 3,
  "recent bytes": 2_400,
  ask: 4,
  "ask bytes": 3_000,
  "cold RS256": 55,
  "cold ES256": 95,
  "replica look-up": 0.25,
};

/** Teams whose processes differ by chance by up to `noise`, on a machine that gets ever slower. */
function teamsOf(count: number, noise: number, loss: Partial<Record<Measure, number>> = {}): TeamReading[] {
  const random = createRandom(7).unit;
  const side = (slowness: number, of: Partial<Record<Measure, number>>): TeamReading["base"] =>
    Object.fromEntries(
      MEASURES.map((measure) => [
        measure,
        COST[measure] * slowness * (of[measure] ?? 1) * (1 + noise * (2 * random() - 1)),
      ]),
    );
  return Array.from({ length: count }, (_, team) => {
    const slowness = 1 + team / 5;
    return { base: side(slowness, {}), twin: side(slowness, {}), head: side(slowness, loss) };
  });
}

function verdictOf(measure: Measure, comparisons: readonly Comparison[]): Comparison["verdict"] | undefined {
  return comparisons.find((comparison) => comparison.measure === measure)?.verdict;
}

describe("a change", () => {
  test("that costs nothing is kept, however the machine slows down meanwhile", () => {
    for (const { verdict, ratio } of compare(teamsOf(4, 0.02))) {
      expect(verdict).toBe("kept");
      expect(ratio).toBeCloseTo(1, 1);
    }
  });

  test.each(MEASURES)("that makes %s a fifth dearer is found, and nothing else", (measure) => {
    const comparisons = compare(teamsOf(6, 0.03, { [measure]: 1.2 }));
    for (const other of MEASURES) expect(verdictOf(other, comparisons)).toBe(other === measure ? "lost" : "kept");
  });

  test("that costs 5 % is kept, and one that makes it cheaper too", () => {
    const comparisons = compare(teamsOf(8, 0.03, { recent: 1.05, ask: 0.7 }));
    expect([verdictOf("recent", comparisons), verdictOf("ask", comparisons)]).toEqual(["kept", "kept"]);
  });

  test.each([1, 1.1, 1.2])("of %s among noise of 60 % is told to be unclear, never to be kept", (loss) => {
    const comparisons = compare(teamsOf(4, 0.6, { recent: loss }));
    expect(verdictOf("recent", comparisons)).toBe("unclear");
  });

  test("is not judged by an instrument for which one tree is two", () => {
    const odd = teamsOf(6, 0.01).map((team) => ({
      ...team,
      twin: { ...team.twin, recent: (team.base.recent ?? 0) * 1.3 },
    }));
    expect(verdictOf("recent", compare(odd))).toBe("unclear");
  });

  test("is not judged without a reading", () => {
    const broken = teamsOf(4, 0.01).map((team) => ({ ...team, head: {} }));
    expect(() => compare(broken)).toThrow(/recent was not read/);
  });

  test("has its limit at a tenth", () => {
    expect(MAX_LOSS_RATIO).toBe(1.1);
  });
});

describe("the history", () => {
  test("is there, and the chart in docs is drawn from it", () => {
    expect(readHistory().length).toBeGreaterThan(0);
    expect(readFileSync(CHART_FILE, "utf8")).toBe(drawHistory(readHistory()));
  });

  test("chains ratios: what two machines measured is not compared", () => {
    const step = (base: string, head: string, ratio: number, absolute: number): HistoryEntry => ({
      at: "2026-01-01",
      base,
      head,
      node: "24",
      cpu: "any",
      measures: { recent: { ratio, low: ratio, high: ratio, noise: 1, base: absolute, head: absolute * ratio } },
    });
    const drawn = drawHistory([step("aaaaaaa", "bbbbbbb", 0.5, 3), step("bbbbbbb", "ccccccc", 0.5, 900)]);
    expect(drawn).toContain("recent  0.25");
  });
});
