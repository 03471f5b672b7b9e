// Equal names share one value, and memory for them is bounded.
import { expect, test } from "vitest";
import { SharedValues } from "../../../src/resilience/shared-values.ts";

test("a value is made once for all who name it, and what is kept is bounded", () => {
  const shared = new SharedValues<object>(2);
  const make = (): object => ({});
  const one = shared.of("one", make);
  expect(shared.of("one", make)).toBe(one);
  expect(shared.of("two", make)).not.toBe(one);
  expect(shared.of("one", make)).toBe(one);
  shared.of("three", make);
  expect(shared.of("one", make)).not.toBe(one); // it began anew
});
