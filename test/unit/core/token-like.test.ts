// Whatever has the look of a token is cut out of a text, in one search through it, whoever wrote that text.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { holdsToken, withoutTokens } from "../../../src/core/token-like.ts";

const encode = (text: string): string => Buffer.from(text, "utf8").toString("base64url");
const SIGNATURE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

describe("what looks like a JWT never stands in a line", () => {
  test.each([
    ["signed", `${encode('{"alg":"RS256"}')}.${encode('{"sub":"alice"}')}.${SIGNATURE}`],
    ["unsigned", `${encode('{"alg":"none"}')}.${encode('{"sub":"alice"}')}.`],
    ["cut before its signature", `${encode('{"alg":"RS256"}')}.${encode('{"sub":"alice"}')}`],
    ["encrypted", `${encode('{"alg":"dir","enc":"A256GCM"}')}..${SIGNATURE}.${SIGNATURE}.${SIGNATURE}`],
    ["claims alone", encode('{"sub":"alice","jti":"1"}')],
    ["with a space after its brace", `${encode('{ "alg":"RS256"}')}.${encode('{ "sub":"alice"}')}.${SIGNATURE}`],
    ["with a line break after its brace", `${encode('{\n"alg":"RS256"}')}.${encode('{\n"sub":"alice"}')}.${SIGNATURE}`],
    ["of such, cut before its signature", `${encode('{\n"alg":"RS256"}')}.${encode('{\n"sub":"alice"}')}`],
  ])("%s", (_what, token) => {
    expect(withoutTokens(`{"path":"/reset/${token}","n":1}`)).toBe('{"path":"/reset/[token]","n":1}');
    expect(withoutTokens(`Bearer ${token}, ${token}`)).toBe("Bearer [token], [token]");
  });

  test("whatever its claims are", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), (claims, around) => {
        const token = `${encode('{"alg":"ES256","typ":"at+jwt"}')}.${encode(JSON.stringify(claims))}.${SIGNATURE}`;
        expect(withoutTokens(`${around} ${token} ${around}`)).not.toContain(SIGNATURE);
      }),
    );
  });
});

test("what only resembles one is left as it is", () => {
  for (const text of [
    "https://eyewitness.example.com/they/obey.html",
    "sewing-machines.internal.example.com",
    "eyJ",
    '{"reason":"revoked","rule":"3"}',
    "0af7651916cd43dd8448eb211c80319c",
  ]) {
    expect(withoutTokens(text)).toBe(text);
  }
});

test("a path made to be searched for ever is searched once", () => {
  const before = performance.now();
  // Long enough to take seconds where every "ey" begins a search of its own, short enough that this then ends.
  withoutTokens("ey".repeat(50_000));
  withoutTokens("eyJ.".repeat(25_000));
  withoutTokens("-ewewewewew.".repeat(8_000));
  expect(performance.now() - before).toBeLessThan(2_000);
});

describe("a text holds a token", () => {
  test.each([
    `${encode('{"alg":"RS256"}')}.${encode('{"sub":"alice"}')}.${SIGNATURE}`,
    `stolen: ${encode('{ "alg":"RS256"}')}.${encode('{"sub":"alice"}')}, they say`,
  ])("where header and claims stand in it: %s", (text) => {
    expect(holdsToken(text)).toBe(true);
  });

  test.each([
    "",
    encode('{"a session":"of such a name"}'),
    "019a9e3c-8f0e-7c4e-9d55-0d6f2f7b1a11",
    "eyewitness.example.com",
    "eyewitnesses.eye.example.com",
  ])("and not where a name does: %s", (text) => {
    expect(holdsToken(text)).toBe(false);
  });
});
