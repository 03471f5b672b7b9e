// Slots of a Cluster, by the examples of its specification.
import { describe, expect, test } from "vitest";
import { probeKeyIn, slotOf } from "../../../../src/revocation/redis/slots.ts";

describe("a slot", () => {
  test.each([
    ["123456789", 0x31c3],
    ["foo", 12_182],
    ["{foo}.bar", 12_182],
    ["foo{}{bar}", slotOf("foo{}{bar}")],
    ["foo{{bar}}zap", slotOf("{bar")],
    ["foo{bar}{zap}", slotOf("bar")],
    ["", 0],
  ])("of %s is %i", (key, slot) => expect(slotOf(key)).toBe(slot));

  test("an empty tag is none, and a brace that is never closed is none either", () => {
    expect(slotOf("a{}b")).not.toBe(slotOf("a{}c"));
    expect(slotOf("a{b")).not.toBe(slotOf("b"));
  });
});

describe("a probe's key", () => {
  test.each([0, 1, 5_461, 16_383])("lies in slot %i", (slot) => {
    const key = probeKeyIn(slot, "pc:");
    expect(key).toMatch(/^pc:revoked:-:\{[0-9a-z]+\}$/);
    expect(slotOf(key ?? "")).toBe(slot);
  });

  test("is none in another slot than the prefix binds all keys to", () => {
    const bound = slotOf("{pc}:x");
    expect(probeKeyIn(bound, "{pc}:")).toBe("{pc}:revoked:-:{0}");
    expect(probeKeyIn((bound + 1) % 16_384, "{pc}:")).toBeUndefined();
  });
});
