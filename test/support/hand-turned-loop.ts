// A clock and an event loop that a test turns by hand: nothing happens in it unless the test says so.

import type { Clock } from "../../src/core/clock.ts";
import type { Schedule, TurnEnd } from "../../src/resilience/schedule.ts";

export interface HandTurnedLoop {
  readonly clock: Clock;
  readonly schedule: Schedule & TurnEnd;
  /** Runs what was scheduled for the next turn before this call; what that schedules waits for the turn after. */
  turn(): void;
  /** Moves both clocks on, millisecond by millisecond, and runs the timers that fall due, and what they schedule. */
  advance(ms: number): void;
  /** Timers that are running. */
  readonly timerCount: number;
}

/** Lets everything that hangs on settled promises happen. */
export async function settlePromises(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

export function createHandTurnedLoop(): HandTurnedLoop {
  let nowMs = 1_000;
  let immediates: (() => void)[] = [];
  let lasts: (() => void)[] = [];
  const timers = new Set<{ readonly periodMs: number; dueAtMs: number; readonly task: () => void }>();

  return {
    clock: { now: () => ({ monotonicMs: nowMs, wallMs: 1_700_000_000_000 + nowMs }) },
    schedule: {
      immediate(task) {
        immediates.push(task);
      },
      last(task) {
        lasts.push(task);
      },
      every(periodMs, task) {
        const timer = { periodMs, dueAtMs: nowMs + periodMs, task };
        timers.add(timer);
        return () => {
          timers.delete(timer);
        };
      },
    },
    turn() {
      const due = [...immediates, ...lasts];
      immediates = [];
      lasts = [];
      for (const task of due) task();
    },
    advance(ms) {
      for (let step = 0; step < ms; step += 1) {
        nowMs += 1;
        const waiting = immediates;
        immediates = [];
        for (const timer of timers) {
          if (timer.dueAtMs > nowMs) continue;
          timer.dueAtMs += timer.periodMs;
          timer.task();
        }
        // The turn that follows the timers is part of the same step; what others scheduled waits to be turned by hand.
        const ofTimers = immediates;
        immediates = waiting;
        for (const task of ofTimers) task();
      }
    },
    get timerCount() {
      return timers.size;
    },
  };
}
