// The bulkhead's bound holds: nobody beyond it comes in, and no place is given back twice.
import { expect, test } from "vitest";
import { createBulkhead } from "../../../src/resilience/bulkhead.ts";

test("past its limit a bulkhead refuses at once, and a place freed is a place again", () => {
  const bulkhead = createBulkhead(2);
  expect(bulkhead.tryEnter()).toBe(true);
  expect(bulkhead.tryEnter()).toBe(true);
  expect(bulkhead.tryEnter()).toBe(false);
  expect(bulkhead.inFlight).toBe(2);
  bulkhead.leave();
  expect(bulkhead.inFlight).toBe(1);
  expect(bulkhead.tryEnter()).toBe(true);
  expect(bulkhead.tryEnter()).toBe(false);
});

test("leaving twice is a bug and is heard, or the bound would creep upwards", () => {
  const bulkhead = createBulkhead(1);
  bulkhead.tryEnter();
  bulkhead.leave();
  expect(() => bulkhead.leave()).toThrow("nobody had entered");
});

test.each([0, -1, 1.5, Number.NaN])("a limit of %s is refused", (limit) => {
  expect(() => createBulkhead(limit)).toThrow(`at least 1, not ${limit}`);
});
