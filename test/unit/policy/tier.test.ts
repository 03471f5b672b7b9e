// The order of tiers, and the floor that scopes set under them.
import { expect, test } from "vitest";
import type { Tier } from "../../../src/core/tier.ts";
import { compileTiers } from "../../../src/policy/tier.ts";

const [CRITICAL, STANDARD, LOW] = ["critical", "standard", "low"].map((name, rank): Tier => ({
  name,
  rank,
  maxStalenessMs: rank * 1000,
  failOpenForMs: 0,
})) as [Tier, Tier, Tier];
const TIERS = [CRITICAL, STANDARD, LOW];

test("the strictest tier is the one written first", () => {
  expect(compileTiers(TIERS, []).strictest).toBe(CRITICAL);
  expect(compileTiers([LOW, CRITICAL], []).strictest).toBe(CRITICAL);
});

test("a tier is found by its very name, and by no other", () => {
  const table = compileTiers(TIERS, []);
  expect(table.named("standard")).toBe(STANDARD);
  for (const name of ["Standard", "", "standard ", "__proto__", "constructor"])
    expect(table.named(name)).toBeUndefined();
});

test("a scope sets the strictest floor of all patterns that match any of the token's scopes", () => {
  const table = compileTiers(TIERS, [
    { scope: "orders:*", tier: STANDARD },
    { scope: "payments:*", tier: CRITICAL },
    { scope: "audit", tier: LOW },
  ]);
  expect(table.floorOf([])).toBeUndefined();
  expect(table.floorOf(["profile"])).toBeUndefined();
  expect(table.floorOf(["audit"])).toBe(LOW);
  expect(table.floorOf(["audit", "orders:read"])).toBe(STANDARD);
  expect(table.floorOf(["orders:read", "payments:write"])).toBe(CRITICAL);
  expect(table.floorOf(["auditor", "audi", "audit:x"])).toBeUndefined();
  expect(table.floorOf(["payments:"])).toBe(CRITICAL);
  expect(table.floorOf(["payments", "Payments:x", "xpayments:x"])).toBeUndefined();
});

test("a star alone matches every scope, but no token without any", () => {
  const table = compileTiers(TIERS, [{ scope: "*", tier: STANDARD }]);
  expect(table.floorOf(["anything"])).toBe(STANDARD);
  expect(table.floorOf([])).toBeUndefined();
});

test("a table without a tier is a bug", () => {
  expect(() => compileTiers([], [])).toThrow("at least one tier");
});
