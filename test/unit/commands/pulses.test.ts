// What several workers say, told as what one sidecar says.

import { expect, test } from "vitest";
import {
  answersOf,
  breakerOf,
  decisionsOf,
  observedDenialsOf,
  storeOf,
  totalsOf,
} from "../../../src/commands/pulses.ts";
import type { Pulse } from "../../../src/commands/worker-messages.ts";
import { MAX_KEPT } from "../../../src/core/distinct-count.ts";

const at = (monotonicMs: number) => ({ monotonicMs, wallMs: monotonicMs });
const pulse = (told: Partial<Pulse> = {}): Pulse => ({
  store: { type: "redis", describe: "fine", reachable: true, unfit: undefined, lastAnswerAt: at(100) },
  breaker: "closed",
  issuersWithKeys: ["main"],
  decisions: { allowPerSecond: 1, denyPerSecond: 2, failOpenPerSecond: 0 },
  totals: { allowed: 1, denied: { revoked: 2 }, failedOpen: 3, durations: [1, 0, 4] },
  observedDenials: { revoked: 1 },
  inFlightCount: 1,
  ...told,
});

test("counts are summed, reason by reason and bucket by bucket", () => {
  const other = pulse({
    totals: { allowed: 10, denied: { revoked: 1, expired: 5 }, failedOpen: 0, durations: [0, 2, 1] },
    observedDenials: { expired: 2 },
  });
  expect(totalsOf([pulse(), other])).toEqual({
    allowed: 11,
    denied: { revoked: 3, expired: 5 },
    failedOpen: 3,
    durations: [1, 2, 5],
  });
  expect(observedDenialsOf([pulse(), other])).toEqual({ revoked: 1, expired: 2 });
  expect(decisionsOf([pulse(), other])).toEqual({ allowPerSecond: 2, denyPerSecond: 4, failOpenPerSecond: 0 });
});

test.each([
  [["closed", "closed"], "closed"],
  [["closed", "half-open"], "half-open"],
  [["half-open", "open"], "open"],
] as const)("of breakers %s the worst is shown", (states, worst) => {
  expect(breakerOf(states.map((breaker) => pulse({ breaker })))).toBe(worst);
});

test("the store is as the worker sees it that sees it worst, and as old as the oldest answer", () => {
  const { store } = pulse();
  const late = pulse({ store: { ...store, lastAnswerAt: at(50) } });
  const out = pulse({ store: { ...store, reachable: false, describe: "out" } });
  const unfit = pulse({ store: { ...store, unfit: "it evicts" } });
  const silent = pulse({ store: { ...store, lastAnswerAt: undefined } });
  expect(storeOf([pulse(), late])?.lastAnswerAt).toEqual(at(50));
  expect(storeOf([pulse(), out])).toMatchObject({ reachable: false, describe: "out" });
  expect(storeOf([out, unfit])?.unfit).toBe("it evicts");
  expect(storeOf([pulse(), silent])?.lastAnswerAt).toBeUndefined();
  expect(storeOf([])).toBeUndefined();
});

test("an answer to the fleet counts a token once that several have seen, and waits for all", () => {
  const answer = (id: string, tokens: readonly number[], backMs = 900_000) => ({
    id,
    tokens,
    sessions: [],
    users: [7],
    backMs,
  });
  expect(answersOf([[answer("q", [1, 3]), answer("only here", [1])], [answer("q", [2, 3], 5_000)]])).toEqual([
    { id: "q", tokens: [1, 2, 3], sessions: [], users: [7], backMs: 5_000 },
  ]);
  const many = Array.from({ length: MAX_KEPT }, (_, i) => i * 2);
  const [joined] = answersOf([[answer("q", many)], [answer("q", [1])]]);
  expect(joined?.tokens.slice(0, 3)).toEqual([0, 1, 2]);
  expect(joined?.tokens).toHaveLength(MAX_KEPT);
});
