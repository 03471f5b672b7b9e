// The sliding window counts what is young and nothing else, after idle hours too.
import { expect, test } from "vitest";
import { createWindow } from "../../../src/resilience/window.ts";

test("an empty window holds nothing", () => {
  expect(createWindow(10_000).totals(123_456)).toEqual({ calls: 0, failures: 0 });
});

test("outcomes are counted while they are young and forgotten by age, not by the next call", () => {
  const window = createWindow(10_000);
  window.record(true, 50_000);
  window.record(false, 54_000);
  window.record(true, 58_000);
  expect(window.totals(58_000)).toEqual({ calls: 3, failures: 2 });
  expect(window.totals(60_500)).toEqual({ calls: 2, failures: 1 });
  expect(window.totals(64_500)).toEqual({ calls: 1, failures: 1 });
  expect(window.totals(68_500)).toEqual({ calls: 0, failures: 0 });
});

test("what stood in a place an hour ago is not added to what stands there now", () => {
  const window = createWindow(10_000);
  for (let i = 0; i < 500; i += 1) window.record(false, 1_000);
  window.record(true, 3_601_000);
  expect(window.totals(3_601_000)).toEqual({ calls: 1, failures: 1 });
});

test("nothing older than its width is ever counted, and nothing younger than nine tenths of it is left out", () => {
  for (let atMs = 0; atMs < 3_000; atMs += 7) {
    const window = createWindow(1_000);
    window.record(true, atMs);
    expect(window.totals(atMs + 899).failures).toBe(1);
    expect(window.totals(atMs + 1_000).failures).toBe(0);
  }
});
