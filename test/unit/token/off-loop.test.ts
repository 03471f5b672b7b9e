// Slow signatures beside the loop: with four threads at it, a burst of ES384 took four fifths of a core from every other call.
import { createPublicKey } from "node:crypto";
import { expect, test, vi } from "vitest";
import { createOffLoop, type OffLoop, type SlowOutcome, type SlowSignature } from "../../../src/token/off-loop.ts";
import { settlePromises } from "../../support/hand-turned-loop.ts";
import { createTestKey } from "../../support/tokens.ts";
import { verifyKeyOf } from "../../../src/token/verify-key.ts";

const key = verifyKeyOf("k", "ES384", createPublicKey(createTestKey("ES384", "k").privateKey));
const FAR_MS = 60_000;

/** Threads that end what they have begun when told, and what everybody was told. */
function createThreads(maxRunning: number, maxPresent: number) {
  const begun: { readonly name: string; end(isGood: boolean): void }[] = [];
  const told: string[] = [];
  const offLoop: OffLoop = createOffLoop({
    maxRunning,
    maxPresent,
    verify: ({ signingInput }) =>
      new Promise((resolve) => void begun.push({ name: signingInput.toString(), end: resolve })),
  });
  return {
    begun,
    told,
    come(name: string, waitMs = FAR_MS, then: (outcome: SlowOutcome) => void = () => undefined) {
      const signature: SlowSignature = { key, signingInput: Buffer.from(name), signature: new Uint8Array() };
      offLoop.verify(signature, waitMs, (outcome) => {
        told.push(`${name} ${outcome}`);
        then(outcome);
      });
    },
    async end(index: number, isGood = true) {
      begun[index]?.end(isGood);
      await settlePromises();
    },
  };
}

test("no more threads than allowed are at work at once, and those in line come in order", async () => {
  const { begun, told, come, end } = createThreads(2, 10);
  for (const name of ["a", "b", "c", "d"]) come(name);
  expect(begun.map(({ name }) => name)).toEqual(["a", "b"]);
  await end(1, false);
  expect(told).toEqual(["b bad"]);
  expect(begun.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  await end(0);
  await end(2);
  await end(3);
  expect(told).toEqual(["b bad", "a good", "c good", "d good"]);
});

test("where there is no place left one is told at once, and there is one again when somebody has left", async () => {
  const { told, come, end } = createThreads(1, 3);
  for (const name of ["a", "b", "c", "d"]) come(name);
  expect(told).toEqual(["d overloaded"]);
  await end(0);
  come("e");
  expect(told).toEqual(["d overloaded", "a good"]);
});

test("what stands in line beyond its time is told so and never verified; what a thread has begun keeps its place", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const { begun, told, come, end } = createThreads(1, 10);
    come("begun", 10);
    come("late", 10);
    come("next");
    vi.advanceTimersByTime(10);
    expect(told).toEqual(["begun overloaded", "late overloaded"]);
    expect(begun.length).toBe(1);
    await end(0);
    expect(begun.map(({ name }) => name)).toEqual(["begun", "next"]);
    await end(1);
    expect(told).toEqual(["begun overloaded", "late overloaded", "next good"]);
  } finally {
    vi.useRealTimers();
  }
});
