// How often strangers' kids may have key sets fetched, and what is remembered of those that were absent.
import { expect, test } from "vitest";
import { RefetchLimit } from "../../../src/token/refetch-limit.ts";

test("a flood of unknown kids gets three fetches at once and four a minute after that", () => {
  const limit = new RefetchLimit();
  let fetches = 0;
  for (let nowMs = 0; nowMs < 600_000; nowMs += 10) if (limit.takeFetch(nowMs)) fetches += 1;
  expect(fetches).toBe(3 + 39);
});

test("after a quiet time the allowance is whole again and no larger", () => {
  const limit = new RefetchLimit();
  const takeAll = (nowMs: number): number =>
    Array.from({ length: 10 }, () => limit.takeFetch(nowMs)).filter(Boolean).length;
  expect(takeAll(0)).toBe(3);
  expect(takeAll(14_999)).toBe(0);
  expect(takeAll(15_000)).toBe(1);
  expect(takeAll(1_000_000)).toBe(3);
});

test("a kid found absent is remembered for a while and then asked for again", () => {
  const limit = new RefetchLimit();
  limit.rememberAbsent("k", 1_000);
  expect(limit.isKnownAbsent("k", 30_999)).toBe(true);
  expect(limit.isKnownAbsent("other", 1_000)).toBe(false);
  expect(limit.isKnownAbsent("k", 31_000)).toBe(false);
});

test("the memory of absent kids is bounded: the oldest goes first", () => {
  const limit = new RefetchLimit();
  for (let i = 0; i < 2_000; i += 1) limit.rememberAbsent(`k${i}`, 0);
  expect(limit.isKnownAbsent("k975", 1)).toBe(false);
  expect(limit.isKnownAbsent("k976", 1)).toBe(true);
  expect(limit.isKnownAbsent("k1999", 1)).toBe(true);
});
