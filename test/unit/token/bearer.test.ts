import { expect, test } from "vitest";
import { bearerToken } from "../../../src/token/bearer.ts";

test.each(["Bearer abc.def.ghi", "bearer abc.def.ghi", "BEARER abc.def.ghi", "bEaReR abc.def.ghi"])(
  "the scheme is known in any case: %s",
  (value) => {
    expect(bearerToken([value])).toEqual({ ok: true, value: "abc.def.ghi" });
  },
);

test("no Authorization value is a missing token", () => {
  expect(bearerToken([])).toEqual({ ok: false, error: "missing_token" });
});

test.each([
  ["two values", ["Bearer a.b.c", "Bearer a.b.c"]],
  ["two values of which one is empty", ["Bearer a.b.c", ""]],
  ["two values joined by a proxy", ["Bearer a.b.c, Bearer d.e.f"]],
  ["two values joined without a space", ["Bearer a.b.c,Bearer d.e.f"]],
  ["a trailing comma", ["Bearer a.b.c,"]],
  ["an empty value", [""]],
  ["the scheme alone", ["Bearer"]],
  ["the scheme and a space", ["Bearer "]],
  ["another scheme", ["Basic dXNlcjpwYXNz"]],
  ["DPoP", ["DPoP a.b.c"]],
  ["no scheme", ["aaaaaaaa.b.c"]],
  ["a scheme that only begins like it", ["Bearerx a.b.c"]],
  ["two spaces", ["Bearer  a.b.c"]],
  ["a leading space", [" Bearer a.b.c"]],
  ["a trailing space", ["Bearer a.b.c "]],
  ["a space inside", ["Bearer a.b. c"]],
  ["a tab for the space", ["Bearer\ta.b.c"]],
  ["a line feed at the end", ["Bearer a.b.c\n"]],
  ["a NUL", ["Bearer a.b.c\0"]],
  ["a DEL", ["Bearer a.b.c\x7f"]],
  ["a byte above ASCII", ["Bearer a.b.c\u00e9"]],
  ["the replacement character of a damaged header", ["Bearer a.b.\ufffd"]],
  ["a letter that lower-cases into the scheme", ["BEA\u0280ER a.b.c"]],
])("a damaged or doubled credential is refused, never chosen from: %s", (_what, values) => {
  expect(bearerToken(values)).toEqual({ ok: false, error: "malformed_request" });
});
