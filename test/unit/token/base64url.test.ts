import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64url, isBase64urlCode } from "../../../src/token/base64url.ts";

const ALPHABET = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"];

test("the alphabet is that of base64url and no other character is in it", () => {
  const known = Array.from({ length: 0x10000 }, (_, code) => code).filter(isBase64urlCode);
  expect(known.map((code) => String.fromCharCode(code)).toSorted()).toEqual(ALPHABET.toSorted());
});

test("a text is decoded where encoding its bytes gives that text again, and nowhere else (trap 15)", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...ALPHABET), { maxLength: 12 }), (characters) => {
      const text = characters.join("");
      const lenient = Buffer.from(text, "base64url");
      const canonical = lenient.toString("base64url") === text;
      expect(decodeBase64url(text)).toEqual(canonical ? lenient : undefined);
    }),
    { numRuns: 5_000 },
  );
});
