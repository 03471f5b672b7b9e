// The strict JSON parser on chosen texts: names, space, depth, numbers, and what it refuses.
import { expect, test } from "vitest";
import { parseJsonObject } from "../../../src/token/json.ts";

const nested = (depth: number): string => `${'{"a":'.repeat(depth - 1)}{}${"}".repeat(depth - 1)}`;

test("an ordinary object is read as JSON.parse reads it", () => {
  const text = ' {"a": [1, -2.5e3, 0, true, false, null, "x\\u00e9\\n\\ud83d\\ude00"], "b": {"c": {}, "d": []}} ';
  const parsed = parseJsonObject(text);
  expect(parsed.ok && JSON.parse(JSON.stringify(parsed.value))).toEqual(JSON.parse(text));
});

test("space may stand wherever JSON lets it", () => {
  const text = ' {\t"a"\n:\r[ 1 , { "b" : 2 } , [ ] ] , "c" : { } } ';
  const parsed = parseJsonObject(text);
  expect(parsed.ok && JSON.parse(JSON.stringify(parsed.value))).toEqual(JSON.parse(text));
});

test("member names that objects are born with are names like any other", () => {
  const parsed = parseJsonObject('{"__proto__": 1, "constructor": 2, "toString": 3}');
  expect(parsed.ok && Object.entries(parsed.value)).toEqual([
    ["__proto__", 1],
    ["constructor", 2],
    ["toString", 3],
  ]);
  const none = parseJsonObject("{}");
  expect(none.ok && "toString" in none.value).toBe(false);
});

test("sixteen levels are read, the seventeenth is refused (trap 19)", () => {
  expect(parseJsonObject(nested(16)).ok).toBe(true);
  expect(parseJsonObject(nested(17))).toEqual({ ok: false, error: "malformed" });
  expect(parseJsonObject(`{"a":${"[".repeat(15)}${"]".repeat(15)}}`).ok).toBe(true);
  expect(parseJsonObject(`{"a":${"[".repeat(16)}${"]".repeat(16)}}`).ok).toBe(false);
  expect(parseJsonObject(`{"a":${"[".repeat(100_000)}`).ok).toBe(false);
});

test.each([
  ["a name twice", '{"a":1,"a":2}'],
  ["a name twice, once escaped", '{"a":1,"\\u0061":2}'],
  ["a name twice, deep", '{"a":[{"b":{"c":1,"c":1}}]}'],
  ["__proto__ twice", '{"__proto__":1,"__proto__":2}'],
  ["a BOM", '\ufeff{"a":1}'],
  ["a lone high surrogate", '{"a":"\\ud800"}'],
  ["a lone low surrogate", '{"a":"\\udc00x"}'],
  ["surrogates the wrong way round", '{"a":"\\udc00\\ud800"}'],
  ["a lone surrogate as a name", '{"\\ud800":1}'],
  ["an array", "[]"],
  ["an array that goes on as an object", '["a":1}'],
  ["a name that another letter begins", '{xa":1}'],
  ["a word that ends otherwise", '{"a":trux}'],
  ["another such word", '{"a":nuls}'],
  ["a string", '"a"'],
  ["null", "null"],
  ["nothing", ""],
  ["space", "  "],
  ["something behind it", '{"a":1}x'],
  ["a second object", "{}{}"],
  ["a trailing comma", '{"a":1,}'],
  ["a leading comma", '{,"a":1}'],
  ["a trailing comma in an array", '{"a":[1,]}'],
  ["no comma", '{"a":1 "b":2}'],
  ["no colon", '{"a" 1}'],
  ["no value", '{"a":}'],
  ["a name without quotes", "{a:1}"],
  ["single quotes", "{'a':1}"],
  ["a comment", '{"a":1/**/}'],
  ["a leading zero", '{"a":01}'],
  ["a plus sign", '{"a":+1}'],
  ["a bare point", '{"a":1.}'],
  ["a point first", '{"a":.5}'],
  ["a bare exponent", '{"a":1e}'],
  ["hexadecimal", '{"a":0x10}'],
  ["NaN", '{"a":NaN}'],
  ["Infinity", '{"a":Infinity}'],
  ["a bare minus", '{"a":-}'],
  ["a word cut short", '{"a":tru}'],
  ["a word run on", '{"a":truee}'],
  ["a control character in a string", '{"a":"\u0001"}'],
  ["a line feed in a string", '{"a":"\n"}'],
  ["an unknown escape", '{"a":"\\x41"}'],
  ["an escape cut short", '{"a":"\\u12"}'],
  ["a string without an end", '{"a":"b'],
  ["a backslash at the end", '{"a":"b\\'],
  ["an object without an end", '{"a":1'],
  ["an array without an end", '{"a":[1'],
  ["a no-break space", '{"a":\u00a01}'],
  ["a vertical tab", '{"a":\u000b1}'],
])("what two parsers could read differently is refused: %s", (_what, text) => {
  expect(parseJsonObject(text)).toEqual({ ok: false, error: "malformed" });
});

test.each(['{"exp":1e400}', '{"a":[-1e999]}'])("a number beyond a double is told apart: %s", (text) => {
  expect(parseJsonObject(text)).toEqual({ ok: false, error: "number_range" });
});
