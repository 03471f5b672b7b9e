// Suggestions for mistyped keys: near ones only.

import { expect, it } from "vitest";
import { nearest } from "../../../src/config/nearest.ts";

it.each([
  ["clokSkew", "clockSkew"],
  ["ClockSkew", "clockSkew"],
  ["clock_skew", "clockSkew"],
  ["maxlifetime", "maxLifetime"],
  ["isuer", "issuer"],
  ["zzzzzz", undefined],
  ["x", undefined],
  ["", undefined],
  ["__proto__", undefined],
])("for %j suggests %s", (word, suggestion) => {
  expect(nearest(word, ["issuer", "id", "clockSkew", "maxLifetime", "audiences"])).toBe(suggestion);
});
