// A further revocation never weakens the one that stands (docs/redis-schema.md).
import fc from "fast-check";
import { expect, test } from "vitest";
import { readWatermark } from "../../../src/revocation/judge.ts";
import { laterExpiry, strengthened } from "../../../src/revocation/strengthen.ts";
import { newRevocation } from "../../conformance/store-suite.ts";

const alice = { kind: "user", issuer: "main", id: "alice" } as const;
const revocation = (issuedBeforeS: number | undefined) => newRevocation(alice, { atMs: 5_000_999, issuedBeforeS });

const strongerWatermark = (asked: ReturnType<typeof newRevocation>, standing: string | undefined) =>
  strengthened(asked, 1, standing, undefined).issuedBeforeS;

test("what somebody else revoked does not become one's own by revoking it again, in any order or number", () => {
  const by = (name: string, standing?: string): string =>
    strengthened(newRevocation(alice, { by: name }), 1, standing, undefined).by;
  const value = (name: string): string => JSON.stringify({ v: 1, by: name, issued_before: 1 });
  expect(by("bob")).toBe("bob");
  expect(by("bob", value("bob"))).toBe("bob");
  expect(by("bob", value("root"))).toBe("bob, others");
  expect(by("bob", value("bob, others"))).toBe("bob, others");
  expect(by("bob", "1700000000")).toBe("bob, others");
});

test("a watermark never moves back, whatever stands", () => {
  const standing = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((issued_before) => JSON.stringify({ issued_before })),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.integer(), standing, (asked, value) => {
      const joined = strongerWatermark(revocation(asked), value) ?? -Infinity;
      expect(joined).toBeGreaterThanOrEqual(asked);
      expect(joined).toBeGreaterThanOrEqual(readWatermark(value) ?? 5_001);
    }),
  );
});

test("one that cannot be read gives way to nothing lower than the moment of the revocation", () => {
  expect(strongerWatermark(revocation(10), "soon")).toBe(5_001);
  expect(strongerWatermark(revocation(9_000), "soon")).toBe(9_000);
  expect(strongerWatermark(revocation(10), undefined)).toBe(10);
});

test("without one asked for it is the second after the revocation, so that a token of that second dies too", () => {
  expect(strongerWatermark(revocation(undefined), undefined)).toBe(5_001);
});

test("an existence kind has none", () => {
  expect(strongerWatermark(newRevocation({ kind: "token", issuer: "main", id: "a" }), "1")).toBeUndefined();
});

test("no expiry is the latest", () => {
  expect(laterExpiry(1, 2)).toBe(2);
  expect(laterExpiry(2, 1)).toBe(2);
  expect(laterExpiry(undefined, 1)).toBeUndefined();
  expect(laterExpiry(1, undefined)).toBeUndefined();
});
