// What is three parts of base64url JSON, and what is only nearly that.
import { expect, test } from "vitest";
import { parseCompactJws } from "../../../src/token/compact-jws.ts";

const HEADER = Buffer.from('{"alg":"RS256"}').toString("base64url");
const CLAIMS = Buffer.from("{}").toString("base64url");

test.each([
  ["a header of no bytes at all", `A.${CLAIMS}.AA`],
  ["a header that is no UTF-8", `_w.${CLAIMS}.AA`],
  ["claims of no bytes at all", `${HEADER}.A.AA`],
  ["claims that are no UTF-8", `${HEADER}._w.AA`],
  ["a signature of no bytes at all", `${HEADER}.${CLAIMS}.A`],
  ["one part", HEADER],
  ["two parts", `${HEADER}.${CLAIMS}`],
  ["four parts", `${HEADER}.${CLAIMS}.AA.AA`],
  ["six parts", `${HEADER}.${CLAIMS}.AA.AA.AA.AA`],
])("%s is malformed, and never a throw", (_what, token) => {
  expect(parseCompactJws(Buffer.from(token), 1_000)).toEqual({ ok: false, error: "malformed_token" });
});

test("three parts are read, and the signature is over the first two as they stand", () => {
  const parsed = parseCompactJws(Buffer.from(`${HEADER}.${CLAIMS}.AA`), 1_000);
  expect(parsed.ok && parsed.value.signingInput.toString()).toBe(`${HEADER}.${CLAIMS}`);
});
