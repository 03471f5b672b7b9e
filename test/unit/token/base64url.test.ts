// The decoder takes the one right spelling of bytes, and no other.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64url, endOfAlphabet } from "../../../src/token/base64url.ts";

const ALPHABET = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"];

test("the alphabet is that of base64url and no other character is in it", () => {
  const known = Array.from({ length: 256 }, (_, byte) => byte).filter(
    (byte) => endOfAlphabet(Buffer.from([byte]), 0) === 1,
  );
  expect(known.map((byte) => String.fromCharCode(byte)).toSorted()).toEqual(ALPHABET.toSorted());
  expect(endOfAlphabet(Buffer.from("abc.def"), 0)).toBe(3);
  expect(endOfAlphabet(Buffer.from("abc.def"), 4)).toBe(7);
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
