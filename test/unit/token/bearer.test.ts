// Exactly one bearer credential, or none: what each Authorization value counts as.
import { describe, expect, test } from "vitest";
import { bearerToken, dpopToken } from "../../../src/token/bearer.ts";
import {
  createTestKey,
  goodClaims,
  issuerWith,
  keysByHand,
  reasonOf,
  signToken,
  verifierFor,
} from "../../support/tokens.ts";

const read = (values: readonly string[]): unknown => {
  const found = bearerToken(values.map((value) => Buffer.from(value)));
  return found.ok ? found.value.toString() : found.error;
};

test.each(["Bearer abc.def.ghi", "bearer abc.def.ghi", "BEARER abc.def.ghi", "bEaReR abc.def.ghi"])(
  "the scheme is known in any case: %s",
  (value) => {
    expect(read([value])).toBe("abc.def.ghi");
  },
);

test.each([
  ["DPoP a.b.c", "a.b.c"],
  ["dPoP a.b.c", "a.b.c"],
  ["Bearer a.b.c", "malformed_request"],
  ["DPoQ a.b.c", "malformed_request"],
  ["XPoP a.b.c", "malformed_request"],
  ["DPoP", "malformed_request"],
  ["DPoP ", "malformed_request"],
])("of the scheme DPoP, %j gives %j", (value, expected) => {
  const found = dpopToken([Buffer.from(value)]);
  expect(found.ok ? found.value.toString() : found.error).toBe(expected);
});

test("no Authorization value is a missing token", () => {
  expect(read([])).toBe("missing_token");
});

test.each([
  ["two values", ["Bearer a.b.c", "Bearer a.b.c"]],
  ["two values of which one is empty", ["Bearer a.b.c", ""]],
  ["an empty value", [""]],
  ["the scheme alone", ["Bearer"]],
  ["the scheme and a space", ["Bearer "]],
  ["another scheme", ["Basic dXNlcjpwYXNz"]],
  ["DPoP", ["DPoP a.b.c"]],
  ["no scheme", ["aaaaaaaa.b.c"]],
  ["a scheme that only begins like it", ["Bearerx a.b.c"]],
  ["a leading space", [" Bearer a.b.c"]],
  ["a tab for the space", ["Bearer\ta.b.c"]],
  ["a letter that lower-cases into the scheme", ["BEA\u0280ER a.b.c"]],
])("a doubled or strange credential is refused, never chosen from: %s", (_what, values) => {
  expect(read(values)).toBe("malformed_request");
});

describe("a damaged credential is refused by the verifier, however good the token in it", () => {
  const key = createTestKey("ES256", "k1");
  const { verify } = verifierFor([issuerWith(keysByHand([key.jwk], ["ES256"]), ["ES256"])]);
  const token = signToken(key, goodClaims());

  test.each([
    ["two values joined by a proxy", `${token}, Bearer ${token}`],
    ["two values joined without a space", `${token},Bearer ${token}`],
    ["a trailing comma", `${token},`],
    ["two spaces", ` ${token}`],
    ["a trailing space", `${token} `],
    ["a space inside", token.replace(".", ". ")],
    ["a line feed at the end", `${token}\n`],
    ["a NUL", `${token}\0`],
    ["a DEL", `${token}\x7f`],
    ["a byte above ASCII", `${token}\u00e9`],
    ["the replacement character of a damaged header", token.replace(".", ".\ufffd")],
    ["a comma beyond every bound of a token", `${"a".repeat(20_000)},`],
  ])("%s", (_what, credential) => {
    // Once before the token itself is remembered, and once beside it.
    for (let i = 0; i < 2; i += 1) {
      expect(read([`Bearer ${credential}`])).toBe(credential);
      expect(reasonOf(verify(credential))).toBe("malformed_request");
      expect(reasonOf(verify(token))).toBe("ok");
    }
  });
});
