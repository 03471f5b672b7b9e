// Those who wait for a refetch of an issuer's keys: each until its own deadline, and never more than a few.

import type { Clock } from "../core/clock.ts";
import type { KeySet } from "./key-set.ts";

/**
 * Tokens with made-up kids wait here before anything of them is verified. Were there no bound, a hanging JWKS server
 * and a flood of them would fill every place of the bulkhead.
 */
const MAX_WAITERS = 256;

/** Whose `kid` nobody knows. */
export interface WaitedFor {
  readonly kid: string;
  /** When it was looked for and not found, on the monotonic clock. */
  readonly sinceMs: number;
}

interface KeyWaiter extends WaitedFor {
  readonly timer: NodeJS.Timeout;
  readonly done: (keys: KeySet) => void;
}

export interface KeyWaiters {
  hasRoom(): boolean;
  /** `done` is called exactly once: by answer(), or at `deadlineAtMs` (monotonic clock) with what `known` gives. */
  add(waitedFor: WaitedFor, deadlineAtMs: number, known: () => KeySet, done: (keys: KeySet) => void): void;
  /** Who waits now, whoever came first being the first. */
  all(): readonly WaitedFor[];
  /** Answers those of them for whom `isOver`. Never throws for a `done`. */
  answer(keys: KeySet, isOver: (waitedFor: WaitedFor) => boolean): void;
}

export function createKeyWaiters(clock: Clock): KeyWaiters {
  const waiting = new Set<KeyWaiter>();
  return {
    hasRoom: () => waiting.size < MAX_WAITERS,
    add({ kid, sinceMs }, deadlineAtMs, known, done) {
      const onDeadline = (): void => {
        waiting.delete(waiter);
        done(known());
      };
      const timer = setTimeout(onDeadline, Math.max(0, deadlineAtMs - clock.now().monotonicMs));
      const waiter: KeyWaiter = { kid, sinceMs, timer, done };
      waiting.add(waiter);
    },
    all: () => [...waiting],
    answer(keys, isOver) {
      const answered = [...waiting].filter(isOver);
      for (const waiter of answered) waiting.delete(waiter);
      for (const { timer, done } of answered) {
        clearTimeout(timer);
        try {
          done(keys);
        } catch {
          // One caller's bug must not leave the others waiting, nor end the process: nobody above could catch it.
        }
      }
    },
  };
}
