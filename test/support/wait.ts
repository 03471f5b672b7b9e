// Waits for a condition with a bound, in place of sleeping and hoping.
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Resolves with the first value of `condition` that is not undefined, null or false, asked again every `everyMs`; a throw
 * counts as "not yet". Rejects after `timeoutMs` with `what` in the message, and the last throw as its cause.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  timeoutMs = 10_000,
  everyMs = 20,
): Promise<NonNullable<T>> {
  const deadlineAtMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) return value;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadlineAtMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`, { cause });
    await sleep(everyMs);
  }
}
