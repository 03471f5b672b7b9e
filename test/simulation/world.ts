// A seeded world with one true time: runs events in order, and shows a sidecar clocks that step, stop and pause.

import type { Clock } from "../../src/core/clock.ts";
import { createRandom, type Random } from "../support/random.ts";

export type Phase = "timer" | "socket" | "turn";

/** When, after the process woke, each phase of its event loop begins; the phases are this long. */
const PHASE_BEGINS_MS: Readonly<Record<Phase, number>> = { timer: 0, socket: 0.2, turn: 0.4 };
const PHASE_MS = 0.2;

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export interface World {
  readonly random: Random;
  /** True milliseconds since the world began. Nobody inside it can read this. */
  trueMs(): number;
  /** Runs `what` after `delayMs` of true time, wherever the sidecar is. */
  outside(delayMs: number, what: () => void): void;
  /**
   * Runs `what` in the sidecar's event loop: not before `delayMs`, and not while its process stands still. What became
   * due meanwhile runs after waking as an event loop has it: timers, then sockets, in any order among themselves.
   */
  inside(delayMs: number, phase: Phase, what: () => void): void;
  readonly clock: Clock;
  /** The process stands still (SIGSTOP, a long collection): both clocks go on. */
  pauseFor(durationMs: number): void;
  /** The machine is suspended: the monotonic clock stops, the wall clock shows it afterwards. */
  suspendFor(durationMs: number): void;
  stepWallClock(byMs: number): void;
  /** Runs until `done()`; between happenings promises settle. */
  run(done: () => boolean): Promise<void>;
}

const WALL_START_MS = 1_750_000_000_000;

export function createWorld(seed: number): World {
  const random = createRandom(seed);
  const queue = createQueue();
  let nowMs = 0;
  let order = 0;
  let standingStillUntilMs = 0;
  let suspendedMs = 0;
  let suspendedUntilMs = 0;
  let suspendedSinceMs = 0;
  let wallOffsetMs = WALL_START_MS;

  function at(atMs: number, run: () => void): void {
    queue.push({ atMs, order: order++, run });
  }

  function monotonicMs(): number {
    const inSuspend = nowMs < suspendedUntilMs ? nowMs - suspendedSinceMs : 0;
    return nowMs - suspendedMs - inSuspend;
  }

  const world: World = {
    random,
    trueMs: () => nowMs,
    outside: (delayMs, what) => at(nowMs + delayMs, what),
    inside(delayMs, phase, what) {
      at(nowMs + delayMs, function attempt() {
        if (nowMs >= standingStillUntilMs) return what();
        const inPhaseMs = PHASE_BEGINS_MS[phase] + random.between(0, PHASE_MS);
        return at(standingStillUntilMs + inPhaseMs, attempt);
      });
    },
    clock: { now: () => ({ monotonicMs: monotonicMs(), wallMs: Math.floor(wallOffsetMs + nowMs) }) },
    pauseFor(durationMs) {
      standingStillUntilMs = Math.max(standingStillUntilMs, nowMs + durationMs);
    },
    suspendFor(durationMs) {
      if (nowMs < suspendedUntilMs) return;
      suspendedSinceMs = nowMs;
      suspendedUntilMs = nowMs + durationMs;
      world.pauseFor(durationMs);
      at(suspendedUntilMs, () => void (suspendedMs += durationMs));
    },
    stepWallClock(byMs) {
      wallOffsetMs += byMs;
    },
    async run(done) {
      while (!done()) {
        const next = queue.pop();
        if (next === undefined) throw new Error("the world ran out of events");
        nowMs = next.atMs;
        next.run();
        // A few turns for what the event's promises wake.
        for (let turn = 0; turn < 8; turn++) await Promise.resolve();
      }
    },
  };
  return world;
}

function createQueue(): { push(happening: Happening): void; pop(): Happening | undefined } {
  const heap: Happening[] = [];
  const before = (a: Happening, b: Happening): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
  const item = (i: number): Happening => heap[i] as Happening;
  const swap = (i: number, j: number): void => {
    const held = item(i);
    heap[i] = item(j);
    heap[j] = held;
  };
  return {
    push(happening) {
      let i = heap.push(happening) - 1;
      while (i > 0 && before(item(i), item((i - 1) >> 1))) {
        swap(i, (i - 1) >> 1);
        i = (i - 1) >> 1;
      }
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (first === undefined || last === undefined || heap.length === 0) return first;
      heap[0] = last;
      for (let i = 0; ;) {
        let least = i;
        for (const child of [2 * i + 1, 2 * i + 2])
          if (child < heap.length && before(item(child), item(least))) least = child;
        if (least === i) return first;
        swap(i, least);
        i = least;
      }
    },
  };
}
