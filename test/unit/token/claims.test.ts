// What claims say and may not say, each judged by itself: the tables of attack-tokens.test.ts, seen from inside.
import { describe, expect, test } from "vitest";
import type { Principal } from "../../../src/core/principal.ts";
import type { Result } from "../../../src/core/result.ts";
import { ACCESS_TOKEN, judgeTimes, mintAsserted, unanswered, withAssertion } from "../../../src/token/claims.ts";
import type { Issuer } from "../../../src/token/issuer.ts";
import { isJsonObject } from "../../../src/token/json.ts";
import type { VerifyKey } from "../../../src/token/verify-key.ts";
import { createTestKey, goodClaims, ISSUER, issuerWith, keysByHand, NOW_S, type Json } from "../../support/tokens.ts";

const NOW_MS = NOW_S * 1000;
const ASKED_AT = { monotonicMs: 5, wallMs: NOW_MS };
const keys = keysByHand([createTestKey("RS256", "k").jwk], ["RS256"]);
const issuer = issuerWith(keys, ["RS256"]);
const key = keys.current(ASKED_AT).byKid.get("k") as VerifyKey;
const JKT = "A".repeat(43);

function read(claims: Json, changes: Partial<Issuer> = {}): Result<Principal, string> {
  return ACCESS_TOKEN.read(goodClaims(claims), { ...issuer, ...changes }, key, NOW_MS);
}

function asserted(answer: Json): Result<Principal, string> {
  return mintAsserted(answer, issuer, ASKED_AT, NOW_MS);
}

const reason = (found: Result<Principal, string>): string => (found.ok ? "ok" : found.error);
const scopesOf = (scope: unknown): unknown => {
  const found = read({ scope });
  return found.ok ? found.value.scopes : found.error;
};

describe("scopes", () => {
  test.each([
    ["one", "read", ["read"]],
    ["several, a space between", "read write", ["read", "write"]],
    ["spaces around and between", "  read   write ", ["read", "write"]],
    ["none in a text", "", []],
    ["no claim", undefined, []],
    ["an array", ["read", "write"], ["read", "write"]],
    ["an empty element", ["read", ""], "claim_invalid"],
    ["an element with a space, first", ["read write", "x"], "claim_invalid"],
    ["an element with a space, last", ["x", "read write"], "claim_invalid"],
    ["a number", 1, "claim_invalid"],
  ])("are read from %s", (_what, scope, expected) => {
    expect(scopesOf(scope)).toEqual(expected);
  });
});

describe("times", () => {
  const end = 4_102_444_800;

  test.each([
    ["the first second there is, long past", { iat: 0, exp: 0 }, "expired"],
    ["the last second there is", { exp: end, iat: NOW_S }, "ok"],
    ["the second after it", { exp: end + 1, iat: NOW_S }, "claim_invalid"],
    ["one that is negative", { nbf: -1 }, "claim_invalid"],
    ["an nbf of zero", { nbf: 0 }, "ok"],
  ])("%s: %o is %s", (_what, claims, expected) => {
    expect(reason(read(claims, { maxLifetimeMs: Infinity }))).toBe(expected);
  });

  test("nbf counts to the skew and not a millisecond further, and is nothing where absent", () => {
    const times = { issuedAtS: 100, expiresAtS: 200, notBeforeS: 130 };
    expect(judgeTimes(times, 10_000, 120_000)).toBeUndefined();
    expect(judgeTimes(times, 10_000, 119_999)).toBe("not_yet_valid");
    expect(judgeTimes({ ...times, notBeforeS: undefined }, 10_000, 119_999)).toBeUndefined();
  });
});

describe("an audience", () => {
  test("that is missing is no audience, whatever is expected", () => {
    expect(reason(read({ aud: undefined }, { audiences: ["", "undefined", "orders-api"] }))).toBe("wrong_audience");
    expect(reason(read({ aud: undefined }, { audiences: undefined }))).toBe("ok");
  });
});

describe("a token's type", () => {
  test.each([
    ["at+jwt", "at+jwt", true],
    ["at+jwt", "Application/AT+JWT", true],
    ["at+jwt", "jwt", false],
    ["at+jwt", 7, false],
    ["at+jwt", undefined, false],
    ["jwt", undefined, true],
    ["jwt", "JWT", true],
    ["jwt", "at+jwt", false],
    ["jwt", 7, false],
    ["jwt", null, false],
  ] as const)("of the profile %s: %o fits: %s", (profile, typ, fits) => {
    expect(ACCESS_TOKEN.typFits({ ...issuer, profile }, typ)).toBe(fits);
  });

  test("is told by claims of other kinds only where tokens are not typed", () => {
    for (const claim of ["nonce", "at_hash", "c_hash", "events"]) {
      expect(reason(read({ [claim]: "x" }, { profile: "jwt" }))).toBe("wrong_type");
      expect(reason(read({ [claim]: "x" }, { profile: "at+jwt" }))).toBe("ok");
    }
  });
});

describe("a confirmation", () => {
  test.each([
    ["by a key", { jkt: JKT }, { jkt: JKT, x5tS256: undefined }],
    ["by a certificate", { "x5t#S256": JKT }, { jkt: undefined, x5tS256: JKT }],
    ["by what nobody here can check", { other: "x" }, "claim_invalid"],
    ["that is a text", "x", "claim_invalid"],
    ["that is a number", 1, "claim_invalid"],
    ["that is a list", [], "claim_invalid"],
    ["that is null", null, "claim_invalid"],
    ["too short", { jkt: JKT.slice(1) }, "claim_invalid"],
    ["too long at its start", { jkt: `!${JKT}` }, "claim_invalid"],
    ["too long at its end", { jkt: `${JKT}!` }, "claim_invalid"],
    ["a list of a good one", { jkt: [JKT] }, "claim_invalid"],
  ])("%s: %o", (_what, cnf, expected) => {
    const found = read({ cnf });
    expect(found.ok ? found.value.confirmation : found.error).toEqual(expected);
  });
});

describe("what an issuer says of an opaque token", () => {
  test("is its word, as of when it was asked, and names no key", () => {
    const found = asserted(goodClaims({ iss: undefined, token_type: undefined }));
    expect(found).toMatchObject({
      ok: true,
      value: {
        issuer: ISSUER,
        keyId: undefined,
        algorithm: "introspection",
        assertion: { asOf: ASKED_AT, isUnanswered: false, goodForMs: undefined },
      },
    });
  });

  test.each([
    ["another issuer's", { iss: "https://other.example.com" }, "claim_invalid"],
    ["its own", { iss: ISSUER }, "ok"],
    ["of the type Bearer in any case", { token_type: "bEARER" }, "ok"],
    ["of no type that is known", { token_type: "MAC" }, "wrong_type"],
    ["of an empty type", { token_type: "" }, "wrong_type"],
    ["of a type that is no text", { token_type: 7 }, "wrong_type"],
    ["of the type DPoP, bound to a key", { token_type: "DPoP", cnf: { jkt: JKT } }, "ok"],
    ["of the type DPoP, bound to a certificate", { token_type: "DPoP", cnf: { "x5t#S256": JKT } }, "wrong_type"],
    ["of the type DPoP, bound to nothing", { token_type: "DPoP" }, "wrong_type"],
    ["of the type DPoP, with a claim of no form", { token_type: "DPoP", sub: 7 }, "wrong_type"],
    ["of another type, bound to a key", { token_type: "MAC", cnf: { jkt: JKT } }, "wrong_type"],
    ["with a claim of no form", { sub: 7 }, "claim_invalid"],
  ])("%s: %o is %s", (_what, answer, expected) => {
    expect(reason(asserted(goodClaims(answer)))).toBe(expected);
  });

  test("stands when it was asked again and did not answer, marked so; without it nothing changes", () => {
    const found = read({});
    if (!found.ok) throw new Error(found.error);
    expect(unanswered(found.value)).toBe(found.value);
    const assertion = { asOf: ASKED_AT, isUnanswered: false, goodForMs: 60_000 };
    const vouched = withAssertion(found.value, assertion);
    expect(vouched).toEqual({ ...found.value, assertion });
    expect(unanswered(vouched).assertion).toEqual({ ...assertion, isUnanswered: true });
  });
});

test.each([
  ["an object", {}, true],
  ["one without a prototype", Object.create(null), true],
  ["null", null, false],
  ["a list", [], false],
  ["a text", "x", false],
  ["nothing", undefined, false],
])("%s is a JSON object or not", (_what, value: unknown, expected) => {
  expect(isJsonObject(value)).toBe(expected);
});
