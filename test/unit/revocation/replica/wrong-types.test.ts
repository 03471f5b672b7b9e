// Keys of another type than a string are counted as they come and go, and told of now and then.
import { expect, test } from "vitest";
import type { LogFields } from "../../../../src/core/log.ts";
import type { Moment } from "../../../../src/revocation/replica/source.ts";
import { WrongTypes } from "../../../../src/revocation/replica/wrong-types.ts";

const at = (ms: number) => ({ monotonicMs: ms, wallMs: ms });
const moment = (...markers: Moment["markers"]): Moment => ({
  head: { epoch: "", seq: 0, link: "" },
  storeNowMs: 0,
  markers,
});

function begin(): { readonly types: WrongTypes; readonly lines: (LogFields | undefined)[] } {
  const lines: (LogFields | undefined)[] = [];
  const note = (_event: string, fields?: LogFields): void => void lines.push(fields);
  return { types: new WrongTypes({ info: note, warn: note, error: note }), lines };
}

test("a key counts once, until it is read as absent or as a string", () => {
  const { types } = begin();
  types.note(["a", "b"], moment("of another type", "of another type"));
  types.note(["a"], moment("of another type"));
  expect(types.count).toBe(2);
  types.note(["a"], moment("absent"));
  expect(types.count).toBe(1);
});

test("a key that a whole round did not meet is gone", () => {
  const { types } = begin();
  types.note(["a", "b"], moment("of another type", "of another type"));
  types.endRound();
  types.note(["b"], moment("of another type"));
  types.endRound();
  expect(types.count).toBe(1);
});

test("the log hears when there are more, at most every ten seconds", () => {
  const { types, lines } = begin();
  types.report(at(0));
  types.note(["a"], moment("of another type"));
  types.report(at(100));
  types.note(["b"], moment("of another type"));
  types.report(at(200));
  types.report(at(10_100));
  types.report(at(30_000));
  expect(lines).toEqual([{ count: 1 }, { count: 2 }]);
});
