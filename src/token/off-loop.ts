// Decides how many signatures that are too slow for the event loop are verified on threads at once, and ends the wait for
// one at its deadline. The others stand in line: a thread takes a core's time like the loop itself.

import { availableParallelism } from "node:os";
import { verifyOffLoop } from "./signature.ts";
import type { VerifyKey } from "./verify-key.ts";

export interface SlowSignature {
  readonly key: VerifyKey;
  readonly signingInput: Buffer;
  readonly signature: Uint8Array;
}

/** overloaded: it was not told in time, or as many are there as may. */
export type SlowOutcome = "good" | "bad" | "overloaded";

export interface OffLoop {
  /**
   * Calls `done` exactly once: before returning where there is no place, otherwise later, and about `waitMs` from now at the
   * latest. Those in line are verified in order; one whose wait has ended is not.
   */
  verify(signature: SlowSignature, waitMs: number, done: (outcome: SlowOutcome) => void): void;
}

export interface OffLoopOptions {
  /** At once, at least 1. */
  readonly maxRunning: number;
  /** On threads and in line together. */
  readonly maxPresent: number;
  /** Never rejects. */
  verify(signature: SlowSignature): Promise<boolean>;
}

interface Attempt {
  readonly signature: SlowSignature;
  readonly done: (outcome: SlowOutcome) => void;
  timer: NodeJS.Timeout | undefined;
  isLate: boolean;
}

export function createOffLoop(options: OffLoopOptions): OffLoop {
  return new Line(options);
}

class Line implements OffLoop {
  readonly #options: OffLoopOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<Attempt>();
  #runningCount = 0;

  constructor(options: OffLoopOptions) {
    this.#options = options;
  }

  verify(signature: SlowSignature, waitMs: number, done: (outcome: SlowOutcome) => void): void {
    if (this.#runningCount + this.#waiting.size >= this.#options.maxPresent) return done("overloaded");
    const attempt: Attempt = { signature, done, timer: undefined, isLate: false };
    attempt.timer = setTimeout(() => this.#endLate(attempt), Math.max(0, waitMs));
    this.#waiting.add(attempt);
    this.#next();
  }

  /** What a thread has begun is not taken back: its place is free when it is done. */
  #endLate(attempt: Attempt): void {
    attempt.isLate = true;
    this.#waiting.delete(attempt);
    attempt.done("overloaded");
  }

  #next(): void {
    for (const attempt of this.#waiting) {
      if (this.#runningCount >= this.#options.maxRunning) return;
      this.#waiting.delete(attempt);
      void this.#run(attempt);
    }
  }

  async #run(attempt: Attempt): Promise<void> {
    this.#runningCount += 1;
    const isGood = await this.#options.verify(attempt.signature);
    this.#runningCount -= 1;
    // First: whatever becomes of this answer, the line moves on.
    this.#next();
    clearTimeout(attempt.timer);
    if (!attempt.isLate) attempt.done(isGood ? "good" : "bad");
  }
}

/**
 * One core stays with the loop where there are several, and one of Node's four threads with files and names. With one core
 * a thread can only take from the loop: with four at once a burst of ES384 held it five times as long.
 */
const MAX_THREADS = Math.max(1, Math.min(availableParallelism() - 1, 3));

/** One after the other at 0.6 ms (ES384) to 1.6 ms (ES512) the last takes 40 to 100 ms. Past it one is better told at once. */
const MAX_PRESENT = 64;

/** The process has one: its threads are everybody's. */
export const offLoop: OffLoop = createOffLoop({
  maxRunning: MAX_THREADS,
  maxPresent: MAX_PRESENT,
  verify: ({ key, signingInput, signature }) => verifyOffLoop(key, signingInput, signature),
});
