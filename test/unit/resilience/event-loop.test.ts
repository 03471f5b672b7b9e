// The real event loop behind the port that tests turn by hand elsewhere.
import { expect, test } from "vitest";
import { patienceOf } from "../../../src/resilience/patience.ts";
import { eventLoop } from "../../../src/resilience/schedule.ts";
import { until } from "../../support/wait.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("a task for the next turn is done then, and not before", async () => {
  const done: string[] = [];
  eventLoop.immediate(() => void done.push("task"));
  done.push("scheduled");
  await turn();
  expect(done).toEqual(["scheduled", "task"]);
});

test("what may wait is done in the next turn, though nothing else is", async () => {
  const done: string[] = [];
  eventLoop.last(() => void done.push("task"));
  await turn();
  expect(done).toEqual(["task"]);
});

test("a task for every so many milliseconds comes again and again, until it is ended", async () => {
  let count = 0;
  const end = eventLoop.every(1, () => void (count += 1));
  await until("the third time", () => count >= 3);
  end();
  const ended = count;
  const later = eventLoop.every(1, () => void (count += 1_000));
  await until("another task to come", () => count >= 3_000);
  later();
  expect(count % 1_000).toBe(ended);
});

test("patience ends when the time is up, a turn after its timer", async () => {
  const { signal } = patienceOf(1);
  expect(signal.aborted).toBe(false);
  await until("the patience to end", () => signal.aborted);
});

test("patience that is not needed any more never ends anything", async () => {
  const patience = patienceOf(1);
  patience.end();
  const other = patienceOf(5);
  await until("a longer one to end", () => other.signal.aborted);
  expect(patience.signal.aborted).toBe(false);
});
