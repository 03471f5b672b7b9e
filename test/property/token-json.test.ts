// The strict JSON parser against JSON.parse: it reads nothing that JSON.parse refuses, the same where both read, and no
// name twice.
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseJsonObject } from "../../src/token/json.ts";
import { runs } from "../support/fuzz-time.ts";

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const object = fc.dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue({ maxDepth: 6 }));

test("what JSON.stringify writes is read as JSON.parse reads it", () => {
  fc.assert(
    fc.property(object, fc.constantFrom(undefined, 1, "\t"), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      const parsed = parseJsonObject(text);
      expect(parsed.ok && plain(parsed.value)).toEqual(JSON.parse(text));
    }),
    runs(2_000),
  );
});

test("damaged text is read as JSON.parse reads it or refused, never read where JSON.parse refuses", () => {
  const damage = fc.tuple(
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\0123456789.eE+-truefalsn \n\t\u0000\u00a0\ufeff'),
    fc.nat(3),
  );
  fc.assert(
    fc.property(object, fc.array(damage, { minLength: 1, maxLength: 4 }), (value, damages) => {
      let text = JSON.stringify(value);
      for (const [at, insert, removed] of damages) {
        const start = at % (text.length + 1);
        text = text.slice(0, start) + insert + text.slice(start + removed);
      }
      const parsed = parseJsonObject(text);
      expect(!parsed.ok || isDeepStrictEqual(plain(parsed.value), plain(JSON.parse(text)))).toBe(true);
    }),
    runs(20_000),
  );
});

test("a member name given twice is refused at any depth and in any spelling", () => {
  const spell = (name: string): string =>
    name.replace(/./gs, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(10), fc.boolean(), (name, depth, escaped) => {
      const first = JSON.stringify(name);
      const second = escaped ? `"${spell(name)}"` : first;
      const text = `${'{"a":[1,'.repeat(Math.min(depth, 6))}{${first}:1,"${name.length}x":0,${second}:2}${"]}".repeat(Math.min(depth, 6))}`;
      expect(parseJsonObject(text).ok).toBe(false);
    }),
  );
});
