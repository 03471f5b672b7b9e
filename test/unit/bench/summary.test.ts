// What the benchmark's table is made of: medians of clean samples, and ratios against the scenario that is alike.
import { expect, test } from "vitest";
import type { LoadResult } from "../../../bench/load/job.ts";
import type { Sample } from "../../../bench/rounds.ts";
import { summarize } from "../../../bench/summary.ts";

function sample(
  target: string,
  scenario: Sample["scenario"],
  perSecond: number,
  more: Partial<LoadResult> = {},
): Sample {
  const percentiles = { p50: 1, p90: 1, p99: 10, p999: 1, max: 1 };
  const result: LoadResult = {
    endedCount: 1000,
    perSecond,
    failures: {},
    latencyMs: percentiles,
    latenessMs: percentiles,
    cpuUsPerCall: { server: 1e6 / perSecond, envoy: 100 },
    rssMiB: { server: 100 },
    foreignPercent: 0,
    stealPercent: 0,
    ...more,
  };
  return { target, scenario, mode: "max", round: 1, result };
}

test("a sample that other processes disturbed counts only where there is no other", () => {
  const disturbed = { foreignPercent: 50 };
  const [mixed, noisy] = summarize([
    sample("portcullis", "ask", 20_000),
    sample("portcullis", "ask", 5000, disturbed),
    sample("portcullis", "ask", 22_000),
    sample("portcullis", "recent", 9000, disturbed),
  ]);
  expect(mixed).toMatchObject({
    isDisturbed: false,
    sampleCount: 2,
    max: { perSecond: { median: 21_000, lowest: 20_000 } },
  });
  expect(noisy).toMatchObject({ isDisturbed: true, max: { perSecond: { median: 9000 } } });
});

test("a peer is held against our scenario that is alike, a server without a store against our recent answers", () => {
  const rows = summarize([
    sample("portcullis", "recent", 30_000),
    sample("portcullis", "ask", 20_000),
    sample("go-handwritten", "ask", 25_000),
    sample("go-noop", "floor", 60_000),
  ]);
  expect(rows.map(({ ratios }) => ratios.oursToThisPerSecond)).toEqual([undefined, undefined, 0.8, 0.5]);
});

test("a latency is held against that of Envoy alone", () => {
  const through = (made: Sample, p99: number): Sample => ({
    ...made,
    mode: "envoy",
    result: { ...made.result, latencyMs: { ...made.result.latencyMs, p99 } },
  });
  const rows = summarize([
    through(sample("Envoy alone", "envoy", 2000), 2),
    through(sample("portcullis", "ask", 2000), 5),
  ]);
  expect(rows.map(({ ratios }) => ratios.p99ToEnvoyAlone)).toEqual([1, 2.5]);
});

test("wrong and missing answers are never lost from the row", () => {
  const [row] = summarize([
    sample("portcullis", "ask", 20_000),
    sample("portcullis", "ask", 20_000, { failures: { "HTTP 503": 4 } }),
  ]);
  expect(row).toMatchObject({ failedCount: 4, failedRatio: 0.002 });
});
