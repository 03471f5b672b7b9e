// Keys that another thread fetches: one question at a time, each answered once, and a made-up kid asked for once.

import { expect, test } from "vitest";
import type { KeySet } from "../../../src/token/key-set.ts";
import { createToldKeys } from "../../../src/token/told-keys.ts";
import { createTestKey } from "../../support/tokens.ts";

const [first, second] = [createTestKey("ES256", "first"), createTestKey("ES256", "second")];
const DAY_MS = 86_400_000;

function begin() {
  let nowMs = 1_000_000;
  const asked: string[] = [];
  const now = () => ({ monotonicMs: nowMs, wallMs: nowMs });
  const keys = createToldKeys({ algorithms: ["ES256"], clock: { now }, ask: (kid) => void asked.push(kid) });
  const told = (...known: readonly { readonly jwk: object }[]): void =>
    keys.told({ text: JSON.stringify({ keys: known.map(({ jwk }) => jwk) }), readAt: now() });
  const answers: (readonly string[])[] = [];
  const refetch = (kid: string): void =>
    keys.refetchFor(kid, now(), nowMs + 5_000, undefined, (set: KeySet) => void answers.push([...set.byKid.keys()]));
  return { keys, asked, answers, told, refetch, now, wait: (ms: number) => void (nowMs += ms) };
}

test("it has no keys before it is told, and none a day after it was told last", () => {
  const { keys, told, now, wait } = begin();
  expect(keys.status().hasKeys).toBe(false);
  told(first);
  const [key] = keys.current(now()).keys;
  wait(DAY_MS - 1);
  told(first); // the same text: what was verified by its key stays verified
  expect([...keys.current(now()).keys]).toEqual([key]);
  wait(DAY_MS);
  expect(keys.status().hasKeys).toBe(false);
});

test("those who wait for a kid share one question, and hear what came of it", () => {
  const { asked, answers, told, refetch, keys } = begin();
  told(first);
  refetch("second");
  refetch("second");
  expect([asked, answers]).toEqual([["second"], []]);
  told(first, second);
  keys.refetched(true);
  expect(answers).toEqual([
    ["first", "second"],
    ["first", "second"],
  ]);
});

test("a kid that a good reading lacked is not asked for again, and a flood of others soon not either", () => {
  const { asked, answers, told, refetch, keys, now } = begin();
  told(first);
  refetch("made-up");
  keys.refetched(true);
  expect(keys.isKnownAbsent("made-up", now())).toBe(true);
  refetch("made-up");
  expect(asked).toEqual(["made-up"]);
  for (let i = 0; i < 100; i += 1) {
    refetch(`made-up-${i}`);
    keys.refetched(true);
  }
  expect(asked.length).toBeLessThanOrEqual(3);
  expect(answers).toHaveLength(102);
});

test("a kid that could not be looked for is not taken for absent", () => {
  const { told, refetch, keys, now } = begin();
  told(first);
  refetch("second");
  keys.refetched(false);
  expect(keys.isKnownAbsent("second", now())).toBe(false);
});

test("a kid that comes while another is asked for is asked for itself: that answer may be older than its key", () => {
  const { asked, answers, told, refetch, keys, now } = begin();
  told(first);
  refetch("made-up");
  refetch("second");
  keys.refetched(true);
  expect([asked, answers]).toEqual([["made-up", "second"], [["first"]]]);
  expect(keys.isKnownAbsent("second", now())).toBe(false);
  told(first, second);
  keys.refetched(true);
  expect(answers).toEqual([["first"], ["first", "second"]]);
});
