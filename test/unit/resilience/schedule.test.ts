// Whose turn it is within a turn of the loop: an answer that is ready must not wait for somebody else's signature.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { eventLoop } from "../../../src/resilience/schedule.ts";

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
