// The counts and rates that /status tells, on a clock turned by hand.
import { expect, test } from "vitest";
import { createDecisionCounts } from "../../../src/telemetry/statistics.ts";
import { allowed, denied } from "./decisions.ts";

test("outcomes are told apart, and a fail-open is among the allowed", () => {
  const counts = createDecisionCounts(0);
  for (let ms = 0; ms < 20_000; ms += 100) {
    counts.count(allowed(), ms);
    counts.count(allowed({ assurance: "fail-open" }), ms);
    counts.count(denied(), ms);
  }
  expect(counts.rates(20_000)).toEqual({ allowPerSecond: 20, denyPerSecond: 10, failOpenPerSecond: 10 });
});

test("when the calls stop the rates fall to zero", () => {
  const counts = createDecisionCounts(0);
  for (let ms = 0; ms < 20_000; ms += 100) counts.count(denied(), ms);
  expect(counts.rates(3_600_000)).toEqual({ allowPerSecond: 0, denyPerSecond: 0, failOpenPerSecond: 0 });
});
