// What a reader is told of a shared replica's age is what its writer said, whole.

import { expect, test } from "vitest";
import { SharedState, StateSight } from "../../../src/revocation/shared/state.ts";

test("instants arrive to the last bit, and the same object stands until it is another", () => {
  const state = new SharedState();
  const sight = new StateSight(state.memory, () => expect.fail("nobody writes meanwhile"));
  expect(sight.read().position).toBeUndefined();
  const said = {
    position: { monotonicMs: 12_345.678_901, wallMs: 1_795_288_509_055.457 },
    changedAt: { monotonicMs: 0.1 + 0.2, wallMs: 1 / 3 },
    storeNowS: 1_795_288_509,
  };
  state.write(said);
  const read = sight.read();
  expect(read).toEqual(said);
  expect(sight.read()).toBe(read);
  state.write({ ...said, position: undefined });
  expect(sight.read()).toEqual({ ...said, position: undefined });
});
