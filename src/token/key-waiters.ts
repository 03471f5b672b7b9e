// Those who wait for a refetch of an issuer's keys: each until its own deadline, and never more than a few.

import type { Clock } from "../core/clock.ts";
import type { KeySet } from "./key-set.ts";

/**
 * Tokens with made-up kids wait here before anything of them is verified. Were there no bound, a hanging JWKS server
 * and a flood of them would fill every place of the bulkhead.
 */
const MAX_WAITERS = 256;

interface KeyWaiter {
  readonly kid: string;
  readonly timer: NodeJS.Timeout;
  readonly done: (keys: KeySet) => void;
}

export interface KeyWaiters {
  hasRoom(): boolean;
  /** `done` is called exactly once: by answerAll(), or at `deadlineAtMs` (monotonic clock) with what `known` gives. */
  add(kid: string, deadlineAtMs: number, known: () => KeySet, done: (keys: KeySet) => void): void;
  /** Answers everyone who waits now; `onEach` hears of each kid before anybody is answered. Never throws for a `done`. */
  answerAll(keys: KeySet, onEach: (kid: string) => void): void;
}

export function createKeyWaiters(clock: Clock): KeyWaiters {
  const waiting = new Set<KeyWaiter>();
  return {
    hasRoom: () => waiting.size < MAX_WAITERS,
    add(kid, deadlineAtMs, known, done) {
      const onDeadline = (): void => {
        waiting.delete(waiter);
        done(known());
      };
      const timer = setTimeout(onDeadline, Math.max(0, deadlineAtMs - clock.now().monotonicMs));
      const waiter: KeyWaiter = { kid, timer, done };
      waiting.add(waiter);
    },
    answerAll(keys, onEach) {
      const answered = [...waiting];
      waiting.clear();
      for (const { kid } of answered) onEach(kid);
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
