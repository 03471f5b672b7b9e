// What a marker's value tells, of ours and of what others wrote there.
import { expect, test } from "vitest";
import { markerFacts } from "../../../src/revocation/marker-facts.ts";

const NOTHING = {
  id: undefined,
  seq: undefined,
  issuedBeforeS: undefined,
  reason: undefined,
  by: undefined,
  atMs: undefined,
};

test("our own value tells everything", () => {
  const value = '{"v":1,"id":"a","seq":7,"issued_before":1700000001,"reason":"r","by":"ci","at":1700000000123}';
  const told = { id: "a", seq: 7, issuedBeforeS: 1_700_000_001, reason: "r", by: "ci", atMs: 1_700_000_000_123 };
  expect(markerFacts(value)).toEqual(told);
});

test.each(["", "1", "1700000000", "yes", "null", "[]", '"id"', "{", '{"id":"a"', "{}x", " {}", "\u0000"])(
  "another program's %j tells nothing, and is no fault",
  (value) => expect(markerFacts(value)).toEqual(NOTHING),
);

test.each([
  '{"id":"","seq":"7","issued_before":"1700000001","reason":1,"by":{},"at":null}',
  '{"id":7,"seq":1.5,"issued_before":1e400,"reason":[],"by":false,"at":1.5}',
  '{"id":null,"seq":1e20,"issued_before":null,"at":"now"}',
  '{"__proto__":{"id":"a","by":"b"},"constructor":"c"}',
])("what has another type is not told: %s", (value) => expect(markerFacts(value)).toEqual(NOTHING));
