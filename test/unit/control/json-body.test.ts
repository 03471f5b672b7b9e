// Which request bodies are a JSON object, and what is said of those that are none.
import { expect, test } from "vitest";
import { parseJsonBody } from "../../../src/control/json-body.ts";

const AMBIGUOUS = expect.stringContaining("no JSON object that all would read alike") as string;

test("an object is read as JSON.parse reads it", () => {
  const text = '{"a":1,"b":{"a":"\\u00e9"},"c":[{"a":3},{"a":4}],"d":null}';
  expect(parseJsonBody(Buffer.from(text))).toEqual({ ok: true, value: JSON.parse(text) });
});

test.each([
  '{"a":1,"a":2}',
  '{"target":{"kind":"user","id":"a","id":"b"}}',
  '{"target":1,"t\\u0061rget":2}',
  '{"a":"\\ud800"}',
  '{"a":1e400}',
  `${'{"a":'.repeat(20)}1${"}".repeat(20)}`,
  "[]",
  '"x"',
])("what a proxy in between could have read differently is refused: %s", (text) => {
  expect(parseJsonBody(Buffer.from(text))).toEqual({ ok: false, error: AMBIGUOUS });
});

test("what is not JSON is refused with what is wrong and where", () => {
  const result = parseJsonBody(Buffer.from('{"a": tru}'));
  expect(result).toEqual({
    ok: false,
    error: 'The body is not JSON: Unexpected token \'}\', "{"a": tru}" is not valid JSON.',
  });
});

test("an empty body, other bytes than UTF-8 and a byte order mark are refused", () => {
  expect(parseJsonBody(Buffer.from(""))).toEqual({ ok: false, error: "The body is empty." });
  expect(parseJsonBody(Buffer.from([0x7b, 0xff, 0x7d]))).toEqual({ ok: false, error: "The body is not UTF-8." });
  expect(parseJsonBody(Buffer.from("\ufeff{}")).ok).toBe(false);
});
