// Whose turn it is within a turn of the loop: an answer that is ready must not wait for somebody else's signature.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventLoop, MAX_PUT_OFF_TURNS } from "../../../src/resilience/schedule.ts";

const uncaught = vi.fn<(bug: unknown) => void>();
beforeEach(() => {
  uncaught.mockReset();
  process.on("uncaughtException", uncaught);
});
afterEach(() => {
  process.off("uncaughtException", uncaught);
});

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

test("what may wait runs after all else of its turn, though it was scheduled first", async () => {
  const done: string[] = [];
  eventLoop.last(() => done.push("work"));
  eventLoop.immediate(() => done.push("answer"));
  expect(done).toEqual([]);
  await turns(1);
  expect(done).toEqual(["answer", "work"]);
});

test("work that goes on turn by turn stands behind the answers of each, and nobody keeps it from its turn", async () => {
  const done: string[] = [];
  const work = (left: number): void => {
    done.push("work");
    if (left > 1) eventLoop.last(() => work(left - 1));
  };
  const answer = (left: number): void => {
    done.push("answer");
    if (left > 1) eventLoop.immediate(() => answer(left - 1));
  };
  work(3);
  answer(3);
  await turns(2);
  expect(done).toEqual(["work", "answer", "answer", "work", "answer", "work"]);
});

test("what may wait does while a burst is read on, turn by turn, and then runs in its order", async () => {
  const done: string[] = [];
  eventLoop.last(() => done.push("first"));
  for (let i = 0; i < 3; i += 1) {
    eventLoop.putOffLast();
    eventLoop.immediate(() => done.push("answer"));
    await turns(1);
  }
  eventLoop.last(() => done.push("second"));
  expect(done).toEqual(["answer", "answer", "answer"]);
  await turns(1);
  expect(done.slice(3)).toEqual(["first", "second"]);
});

test("what was put off runs though nothing else comes", async () => {
  const done: string[] = [];
  eventLoop.last(() => done.push("work"));
  eventLoop.putOffLast();
  await turns(1);
  expect(done).toEqual([]);
  await turns(1);
  expect(done).toEqual(["work"]);
});

test("a turn that was put off before work came puts off none that comes later", async () => {
  const done: string[] = [];
  eventLoop.putOffLast();
  await turns(1);
  eventLoop.last(() => done.push("work"));
  await turns(1);
  expect(done).toEqual(["work"]);
});

test("a burst without end keeps no work from its turn for ever", async () => {
  let turnCount = 0;
  const ranIn: number[] = [];
  const work = (): void => {
    ranIn.push(turnCount);
    if (ranIn.length < 3) eventLoop.last(work);
  };
  // Nobody waits yet: these turns are not counted.
  for (let i = 0; i < MAX_PUT_OFF_TURNS; i += 1) {
    eventLoop.putOffLast();
    await turns(1);
  }
  eventLoop.last(work);
  for (; turnCount < 5 * MAX_PUT_OFF_TURNS; turnCount += 1) {
    eventLoop.putOffLast();
    await turns(1);
  }
  expect(ranIn).toEqual([MAX_PUT_OFF_TURNS, 2 * MAX_PUT_OFF_TURNS + 1, 3 * MAX_PUT_OFF_TURNS + 2]);
});

test("a task that throws is heard, and all others of its turn run", async () => {
  const done: string[] = [];
  const bug = new Error("a bug");
  eventLoop.immediate(() => {
    throw bug;
  });
  eventLoop.immediate(() => done.push("answer"));
  eventLoop.last(() => done.push("work"));
  await turns(1);
  expect(done).toEqual(["answer", "work"]);
  await turns(1);
  expect(uncaught.mock.calls[0]?.[0]).toBe(bug);
});
