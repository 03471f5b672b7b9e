// What new tokens may take of each turn of the event loop, in order and by their deadlines, on a loop turned by hand.
import { expect, test } from "vitest";
import { createLoopShare, type LoopShare } from "../../../src/resilience/loop-share.ts";
import { createHandTurnedLoop } from "../../support/hand-turned-loop.ts";

const MAX_MS = 3;
const MAX_WAITING = 7;
const FAR_MS = 1_000_000;

/** Work of a millisecond each, written down when it is done. */
function createBench(maxMs: (nowMs: number) => number = () => MAX_MS): {
  readonly done: string[];
  readonly loop: ReturnType<typeof createHandTurnedLoop>;
  readonly share: LoopShare;
  come(name: string, deadlineAtMs?: number, then?: () => void): void;
} {
  const loop = createHandTurnedLoop();
  const share = createLoopShare({ maxMs, maxWaiting: MAX_WAITING, clock: loop.clock, schedule: loop.schedule });
  const done: string[] = [];
  return {
    done,
    loop,
    share,
    come(name, deadlineAtMs = FAR_MS, then = () => undefined) {
      share.run({
        deadlineAtMs,
        run() {
          loop.advance(1);
          done.push(name);
          then();
        },
        drop: () => void done.push(`${name} dropped`),
      });
    },
  };
}

const letters = (from: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => String.fromCharCode(from.charCodeAt(0) + i));

test("a deadline that is now has passed, and one a millisecond away has not", () => {
  const { done, loop, come } = createBench();
  for (const name of letters("a", 3)) come(name);
  const nowMs = loop.clock.now().monotonicMs;
  come("late", nowMs);
  come("in time", nowMs + 1);
  loop.turn();
  loop.turn();
  expect(done).toEqual(["a", "b", "c", "late dropped", "in time"]);
});

test("what is within a turn's share is done at once, the rest in the turns that follow, in order", () => {
  const { done, loop, come } = createBench();
  for (const name of letters("a", 8)) come(name);
  expect(done).toEqual(["a", "b", "c"]);
  loop.turn();
  expect(done).toEqual(["a", "b", "c"]); // of the same turn: sockets were read before it, not since
  loop.turn();
  expect(done).toEqual(letters("a", 6));
  loop.turn();
  expect(done).toEqual(letters("a", 8));
});

test("whoever comes later stands behind all that wait, though the turn has a share to spare", () => {
  const { done, loop, come } = createBench();
  for (const name of letters("a", 5)) come(name, FAR_MS, name === "d" ? () => come("z") : undefined);
  loop.turn();
  loop.turn();
  expect(done).toEqual(["a", "b", "c", "d", "e", "z"]);
});

test("a turn that nobody worked in leaves the next one its whole share", () => {
  const { done, loop, come } = createBench();
  for (const name of letters("a", 3)) come(name);
  loop.turn();
  for (const name of letters("d", 3)) come(name);
  expect(done).toEqual(letters("a", 6));
});

test("what has waited beyond its deadline is told so, in the turn in which it passed and whatever stands before it", () => {
  const { done, loop, come } = createBench();
  const nowMs = loop.clock.now().monotonicMs;
  for (const name of letters("a", 9)) come(name);
  come("soon", nowMs + 4);
  loop.turn();
  loop.turn();
  expect(done).toEqual(letters("a", 6));
  loop.turn();
  expect(done).toEqual([...letters("a", 6), "soon dropped", ...letters("g", 3)]);
  loop.turn();
  expect(done.length).toBe(10);
});

test("what comes while as many wait as may is dropped at once, and waits again when there is room", () => {
  const { done, loop, come } = createBench();
  for (const name of letters("a", 3 + MAX_WAITING + 1)) come(name);
  expect(done).toEqual(["a", "b", "c", "k dropped"]);
  loop.turn();
  loop.turn();
  come("l");
  for (let turn = 0; turn < 3; turn++) loop.turn();
  expect(done).toEqual(["a", "b", "c", "k dropped", ...letters("d", 7), "l"]);
});

test("the share is asked for as it is now: it may shrink within a turn, and grow again", () => {
  let maxMs = MAX_MS;
  const { done, loop, come } = createBench(() => maxMs);
  come("a", FAR_MS, () => (maxMs = 1));
  for (const name of letters("b", 5)) come(name);
  expect(done).toEqual(["a"]);
  loop.turn();
  loop.turn();
  expect(done).toEqual(["a", "b"]);
  maxMs = MAX_MS;
  loop.turn();
  expect(done).toEqual(letters("a", 5));
});
