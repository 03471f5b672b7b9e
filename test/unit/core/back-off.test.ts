// Who failed comes back later each time, but not all together, and not later than was agreed.
import { expect, test, vi } from "vitest";
import { backOffMs } from "../../../src/core/back-off.ts";

test("doubles with each failure up to the longest, however many there are", () => {
  const draw = vi.spyOn(Math, "random").mockReturnValue(1);
  expect([1, 2, 3, 4, 5, 5_000].map((failures) => backOffMs(failures, 50, 500))).toEqual([50, 100, 200, 400, 500, 500]);
  draw.mockRestore();
});

test("is spread over the upper half", () => {
  const draw = vi.spyOn(Math, "random").mockReturnValue(0);
  expect(backOffMs(3, 50, 500)).toBe(100);
  draw.mockReturnValue(0.5);
  expect(backOffMs(3, 50, 500)).toBe(150);
  draw.mockRestore();
});
