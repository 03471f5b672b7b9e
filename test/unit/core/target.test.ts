// Which kinds of target are revoked by a key and which by the time of issue, and the bounds of the histogram of
// durations.
import { expect, test } from "vitest";
import { CHECK_DURATION_BOUNDS_S } from "../../../src/core/decision-totals.ts";
import { isWatermarkKind, TARGET_KINDS } from "../../../src/core/target.ts";

test("what can be revoked is by a key that exists, or by the time of issue", () => {
  const byExistence = ["token", "session", "key"];
  const byTime = ["user", "tenant", "client", "issuer", "everything"];
  expect(TARGET_KINDS).toEqual([...byExistence, ...byTime]);
  expect(TARGET_KINDS.filter(isWatermarkKind)).toEqual(byTime);
});

test("durations are counted from 50 µs to a second, each bound above the one before", () => {
  expect(CHECK_DURATION_BOUNDS_S.at(0)).toBe(50e-6);
  expect(CHECK_DURATION_BOUNDS_S.at(-1)).toBe(1);
  expect(CHECK_DURATION_BOUNDS_S).toEqual(CHECK_DURATION_BOUNDS_S.toSorted((a, b) => a - b));
});
