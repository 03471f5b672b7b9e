// One read in the making: whose look-ups it holds and which of its keys each asked for. It sends nothing.

import type { UnknownCause } from "../core/evidence.ts";
import type { Span } from "../core/tracing.ts";
import type { LookUpAnswer } from "./look-up.ts";

/** One look-up waiting for its answer. */
export interface Waiter {
  readonly keys: readonly string[];
  /** Monotonic clock. */
  readonly deadlineAtMs: number;
  readonly span: Span | undefined;
  /** Undefined once answered, so that a read still out holds on to nobody's memory. */
  done: ((answer: LookUpAnswer) => void) | undefined;
}

export interface Batch {
  readonly waiters: readonly Waiter[];
  /** Each key once. */
  readonly keys: readonly string[];
  /** For each key of each waiter, in order, where it stands in `keys`. */
  readonly positions: readonly number[];
}

/**
 * Takes look-ups off the front of `queue`, from place `first` on, until the next might bring the batch above
 * `maxKeys`; those already answered are passed over. A look-up always stands whole in one batch, so the first is
 * taken however many keys it has. Returns the batch and the first place not taken.
 */
export function gather(queue: readonly Waiter[], first: number, maxKeys: number): { batch: Batch; next: number } {
  const waiters: Waiter[] = [];
  const keys: string[] = [];
  const positions: number[] = [];
  const positionOf = new Map<string, number>();
  let next = first;
  for (; next < queue.length; next += 1) {
    const waiter = queue[next];
    if (waiter === undefined || waiter.done === undefined) continue;
    if (waiters.length > 0 && keys.length + waiter.keys.length > maxKeys) break;
    waiters.push(waiter);
    for (const key of waiter.keys) {
      let position = positionOf.get(key);
      if (position === undefined) {
        position = keys.length;
        positionOf.set(key, position);
        keys.push(key);
      }
      positions.push(position);
    }
  }
  return { batch: { waiters, keys, positions }, next };
}

/** Hands every waiter of `batch` its own values. `answer` tells one waiter. */
export function distribute(
  batch: Batch,
  values: readonly (string | null)[],
  answer: (waiter: Waiter, values: readonly (string | null)[]) => void,
): void {
  let offset = 0;
  for (const waiter of batch.waiters) {
    const count = waiter.keys.length;
    if (waiter.done !== undefined) {
      // As long as the keys from the start: an array that grows begins with room for 17.
      const own = waiter.keys.map((_, index) => values[batch.positions[offset + index] ?? -1] ?? null);
      answer(waiter, own);
    }
    offset += count;
  }
}

/** Answers `waiter` if nobody did yet, and ends its span. */
export function answerOnce(waiter: Waiter, answer: LookUpAnswer): void {
  const { done, span } = waiter;
  if (done === undefined) return;
  waiter.done = undefined;
  if (span !== undefined) {
    if (!answer.ok) span.fail(answer.cause);
    span.end();
  }
  done(answer);
}

export function unanswered(cause: UnknownCause): LookUpAnswer {
  return { ok: false, cause };
}
