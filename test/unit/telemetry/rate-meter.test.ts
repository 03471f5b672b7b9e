// Rates are averages over the last ten full seconds, silence and a young process included.
import { expect, test } from "vitest";
import { createRateMeter } from "../../../src/telemetry/rate-meter.ts";

test("averages the last ten full seconds", () => {
  const meter = createRateMeter(500);
  for (let s = 0; s < 30; s++) for (let i = 0; i < s; i++) meter.count(s * 1_000 + 500);
  expect(meter.perSecond(30_200)).toBe(24.5); // 20 … 29
});

test("a young process averages what there is, and in its first second tells the count so far", () => {
  const meter = createRateMeter(7_300);
  for (let i = 0; i < 6; i++) meter.count(7_400);
  expect(meter.perSecond(7_900)).toBe(6);
  meter.count(8_100);
  meter.count(8_200);
  expect(meter.perSecond(9_000)).toBe(4);
});

test("silence counts as silence, even one longer than the window", () => {
  const meter = createRateMeter(0);
  for (let i = 0; i < 100; i++) meter.count(10);
  expect(meter.perSecond(5_000)).toBe(20);
  expect(meter.perSecond(10_999)).toBe(10);
  expect(meter.perSecond(11_000)).toBe(0);
  expect(meter.perSecond(3_600_000)).toBe(0);
  meter.count(3_600_500);
  expect(meter.perSecond(3_601_000)).toBe(0.1);
});
