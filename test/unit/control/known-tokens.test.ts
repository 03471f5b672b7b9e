// The tokens remembered with their caller: bounded, and gone once forgotten.
import { expect, test } from "vitest";
import { createKnownTokens } from "../../../src/control/known-tokens.ts";

test("a token is known under its caller until it is forgotten", () => {
  const known = createKnownTokens(10);
  expect(known.callerOf("a")).toBeUndefined();
  known.remember("a", "main/ada");
  expect(known.callerOf("a")).toBe("main/ada");
  known.forget("a");
  expect(known.callerOf("a")).toBeUndefined();
});

test("no more are kept than the bound, those remembered last", () => {
  const known = createKnownTokens(2);
  for (const token of ["a", "b", "a", "c"]) known.remember(token, `of ${token}`);
  expect(["a", "b", "c"].map(known.callerOf)).toEqual(["of a", undefined, "of c"]);
});
