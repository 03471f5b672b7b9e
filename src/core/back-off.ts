// How long to wait before what failed is tried again. It waits for nothing itself.

/**
 * Doubled by each failure in a row (the first is 1) up to `longestMs`, and spread over the upper half of that, so that many who
 * failed together do not come back together.
 */
export function backOffMs(failureCount: number, firstMs: number, longestMs: number): number {
  return Math.min(longestMs, firstMs * 2 ** (failureCount - 1)) * (0.5 + Math.random() / 2);
}
