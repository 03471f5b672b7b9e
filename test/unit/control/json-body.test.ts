import { expect, test } from "vitest";
import { parseJsonBody } from "../../../src/control/json-body.ts";

function parse(text: string | Buffer) {
  return parseJsonBody(Buffer.from(text as string));
}

test.each([
  ['{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}'],
  ['{"a":"a","b":"a"}'],
  ['{"a":["a","a","a"],"b":"{\\"b\\":1,\\"b\\":2}"}'],
  ['{"a\\"":1,"a":2}'],
  ["[]"],
  ['"x"'],
])("%s is read as JSON.parse reads it", (text) => {
  expect(parse(text)).toEqual({ ok: true, value: JSON.parse(text) });
});

test.each([
  ['{"a":1,"a":2}', "a"],
  ['{"a":{"b":1,"c":[],"b":2}}', "b"],
  ['[{"a":1},{"x":{},"x":1}]', "x"],
  ['{"target":1,"t\\u0061rget":2}', "target"],
  ['{"a":[{"b":1}],"a":2}', "a"],
  ['{"":1,"":2}', ""],
])("a member that stands twice in one object is refused: %s", (text, name) => {
  expect(parse(text)).toEqual({ ok: false, error: `The body has the member ${JSON.stringify(name)} twice in one object.` });
});

test("what is not JSON is refused with its place", () => {
  const result = parse('{"a": tru}');
  expect(result.ok ? "" : result.error).toMatch(/^The body is not JSON: Unexpected token '}'/);
});

test("an empty body, other bytes than UTF-8 and a byte order mark are refused", () => {
  expect(parse("").ok).toBe(false);
  expect(parseJsonBody(Buffer.from([0x22, 0xff, 0x22])).ok).toBe(false);
  expect(parse("\ufeff{}").ok).toBe(false);
});
