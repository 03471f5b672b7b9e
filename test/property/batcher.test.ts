// Whatever calls, answers and clocks do, the batcher answers each look-up once, in time, with values as old as they are
// said to be.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Instant } from "../../src/core/clock.ts";
import { createBreaker } from "../../src/resilience/breaker.ts";
import { createBatcher, type Batcher } from "../../src/revocation/batcher.ts";
import type { LookUpAnswer } from "../../src/revocation/look-up.ts";
import { createHandTurnedLoop, settlePromises, type HandTurnedLoop } from "../support/hand-turned-loop.ts";

const SWEEP_MS = 5;
const TIMEOUT_MS = 50;
const KEYS = ["a", "b", "c", "d", "e", "f"];

interface Limits {
  readonly maxBatchKeys: number;
  readonly maxBatchesInFlight: number;
  readonly maxWaiting: number;
}

type Step =
  | { readonly kind: "look up"; readonly keys: readonly string[]; readonly deadlineInMs: number }
  | { readonly kind: "turn" }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "revoke"; readonly key: string }
  | { readonly kind: "settle"; readonly which: number; readonly how: "answer" | "fail" | "short" | "throw" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("look up" as const),
      keys: fc.subarray(KEYS, { minLength: 1 }),
      deadlineInMs: fc.integer({ min: -3, max: 80 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("turn" as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("revoke" as const), key: fc.constantFrom(...KEYS) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("settle" as const),
      which: fc.nat(5),
      how: fc.constantFrom("answer", "answer", "answer", "fail", "short", "throw" as const),
    }),
  },
);
const limits: fc.Arbitrary<Limits> = fc.record({
  maxBatchKeys: fc.integer({ min: 1, max: 12 }),
  maxBatchesInFlight: fc.integer({ min: 1, max: 3 }),
  maxWaiting: fc.integer({ min: 1, max: 10 }),
});

interface Asked {
  readonly keys: readonly string[];
  readonly at: Instant;
  readonly deadlineAtMs: number;
  readonly answers: LookUpAnswer[];
  answeredAtMs: number;
}

/** A store that answers as of the earliest moment it could: when the question reached it. */
class World {
  readonly asked: Asked[] = [];
  readonly loop: HandTurnedLoop = createHandTurnedLoop();
  readonly batcher: Batcher;
  readonly revokedAtMs = new Map<string, number>();
  readonly out: { readonly keys: readonly string[]; readonly values: (string | null)[]; settle(how: string): void }[] =
    [];
  /** Collected, for the batcher catches what its reader and its callers throw. */
  readonly violations: string[] = [];
  private inLookUp = false;

  constructor({ maxBatchKeys, maxBatchesInFlight, maxWaiting }: Limits) {
    this.batcher = createBatcher({
      reader: { read: (keys) => this.read(keys, maxBatchKeys, maxBatchesInFlight) },
      clock: this.loop.clock,
      schedule: this.loop.schedule,
      breaker: createBreaker({
        windowMs: 200,
        minCalls: 4,
        failureRatio: 0.7,
        openForMs: 30,
        probeForMs: 110,
        onChange: () => undefined,
      }),
      observer: { batchSent: () => undefined, storeFailed: () => undefined, storeUp: () => undefined },
      timeoutMs: TIMEOUT_MS,
      maxBatchKeys,
      maxBatchesInFlight,
      maxWaiting,
    });
  }

  get nowMs(): number {
    return this.loop.clock.now().monotonicMs;
  }

  private mustBe(holds: boolean, rule: string): void {
    if (!holds) this.violations.push(rule);
  }

  private read(
    keys: readonly string[],
    maxKeys: number,
    maxReads: number,
  ): ReturnType<Parameters<typeof createBatcher>[0]["reader"]["read"]> {
    this.mustBe(new Set(keys).size === keys.length, "each key stands once in a read");
    const fits = keys.length <= maxKeys || this.asked.some((asked) => asked.keys.length === keys.length);
    this.mustBe(fits, "a read is no larger than its bound or a single look-up");
    const values = keys.map((key) => (this.revokedAtMs.has(key) ? `${key} revoked` : `${key} clear`));
    const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<World["read"]>>>();
    const read = {
      keys,
      values,
      settle: (how: string) => {
        if (how === "answer") resolve({ ok: true, value: values });
        if (how === "short") resolve({ ok: true, value: values.slice(1) });
        if (how === "fail") resolve({ ok: false, error: { cause: "timeout", detail: "" } });
        if (how === "throw") reject(new Error("bug"));
      },
    };
    this.out.push(read);
    this.mustBe(this.out.length <= maxReads, "no more reads are out than may be");
    // The port's promise: a read settles within its time-out.
    const stop = this.loop.schedule.every(TIMEOUT_MS, () => {
      stop();
      this.settle(this.out.indexOf(read), "fail");
    });
    return promise;
  }

  settle(place: number, how: string): void {
    const [read] = place < 0 ? [] : this.out.splice(place, 1);
    read?.settle(how);
  }

  lookUp(keys: readonly string[], deadlineInMs: number): void {
    const asked: Asked = {
      keys,
      at: this.loop.clock.now(),
      deadlineAtMs: this.nowMs + deadlineInMs,
      answers: [],
      answeredAtMs: 0,
    };
    this.asked.push(asked);
    this.inLookUp = true;
    this.batcher.lookUp(keys, asked.deadlineAtMs, undefined, (answer) => {
      this.mustBe(!this.inLookUp, "nobody is answered before lookUp has returned");
      asked.answers.push(answer);
      asked.answeredAtMs = this.nowMs;
      this.judge(asked, answer);
    });
    this.inLookUp = false;
  }

  private judge(asked: Asked, answer: LookUpAnswer): void {
    if (!answer.ok) return;
    const asOfMs = answer.asOf.monotonicMs;
    this.mustBe(asOfMs >= asked.at.monotonicMs, "nobody joins a batch already written");
    this.mustBe(answer.values.length === asked.keys.length, "one value a key");
    asked.keys.forEach((key, i) => {
      const value = answer.values[i];
      this.mustBe(value?.startsWith(key) === true, "values are of one's own keys");
      const revokedAtMs = this.revokedAtMs.get(key) ?? Infinity;
      this.mustBe(revokedAtMs >= asOfMs || value === `${key} revoked`, "a revocation older than asOf is in the answer");
    });
    this.mustBe(
      (this.batcher.lastAnswerAt()?.monotonicMs ?? -1) >= asOfMs,
      "the last answer is no older than any answer",
    );
  }

  async play(history: readonly Step[]): Promise<void> {
    for (const next of history) {
      // Time goes on between any two things, so that before and after are never the same instant.
      this.loop.advance(1);
      if (next.kind === "look up") this.lookUp(next.keys, next.deadlineInMs);
      if (next.kind === "turn") this.loop.turn();
      if (next.kind === "wait") this.loop.advance(next.ms);
      if (next.kind === "revoke")
        this.revokedAtMs.set(next.key, Math.min(this.nowMs, this.revokedAtMs.get(next.key) ?? Infinity));
      if (next.kind === "settle" && this.out.length > 0) this.settle(next.which % this.out.length, next.how);
      await settlePromises();
    }
  }
}

test("every look-up is answered once, by its deadline, with values of its own keys that are as old as they say", async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 120 }), async (bounds, history) => {
      const world = new World(bounds);
      await world.play(history);
      for (let i = 0; i < 100; i += 1) {
        world.loop.advance(2);
        world.loop.turn();
        await settlePromises();
      }
      expect(world.violations).toEqual([]);
      for (const asked of world.asked) {
        expect(asked.answers).toHaveLength(1);
        // Refused in the next turn, and here turns come when the history says so, not every millisecond.
        if (asked.answers.some((answer) => !answer.ok && answer.cause === "overloaded")) continue;
        const latestMs = Math.max(asked.deadlineAtMs, asked.at.monotonicMs) + SWEEP_MS;
        expect(asked.answeredAtMs).toBeLessThanOrEqual(latestMs);
      }
      expect(world.loop.timerCount, "a timer runs although nobody waits").toBe(0);
    }),
    { numRuns: 300 },
  );
});

test("stopped at any moment, it has answered everyone once and answers nobody twice", async () => {
  await fc.assert(
    fc.asyncProperty(limits, fc.array(step, { maxLength: 60 }), async (bounds, history) => {
      const world = new World(bounds);
      await world.play(history);
      world.batcher.stop();
      world.loop.turn();
      for (const asked of world.asked) expect(asked.answers).toHaveLength(1);
      while (world.out.length > 0) world.settle(0, "answer");
      await settlePromises();
      world.loop.turn();
      for (const asked of world.asked) expect(asked.answers).toHaveLength(1);
      expect(world.violations).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
