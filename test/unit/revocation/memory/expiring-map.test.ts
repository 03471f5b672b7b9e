// Entries end at their time and do not pile up.
import { expect, test } from "vitest";
import { createExpiringMap } from "../../../../src/revocation/memory/expiring-map.ts";

test("an entry is there until its expiry, and not at it", () => {
  let now = 0;
  const map = createExpiringMap<string>(() => now);
  map.set("a", "1", 10);
  map.set("b", "2", undefined);
  now = 9;
  expect(map.get("a")).toBe("1");
  expect(map.entries()).toEqual([
    ["a", "1"],
    ["b", "2"],
  ]);
  now = 10;
  expect(map.get("a")).toBeUndefined();
  expect(map.entries()).toEqual([["b", "2"]]);
  map.delete("b");
  expect(map.get("b")).toBeUndefined();
});

test("dead entries are cleared away by later ones, so that nothing grows", () => {
  let now = 0;
  const held = new WeakRef({});
  const map = createExpiringMap<object>(() => now);
  for (let i = 0; i < 50_000; i += 1) {
    now = i;
    map.set(`k${i}`, held, i + 10);
  }
  now = 0; // were they still held, they would all live again
  expect(map.entries().length).toBeLessThan(100);
});
