// The one clock that all threads of the loader share: monotonic, in milliseconds with fractions.

const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();
const never = new Int32Array(new SharedArrayBuffer(4));

/** The same instant in every thread of this machine; microseconds exact. */
export function nowMs(): number {
  return performance.now() + OFFSET_MS;
}

/** Blocks the calling thread, to within the kernel's timer slack (50 µs); for threads that have nothing else to do. */
export function sleepUntil(atMs: number): void {
  const waitMs = atMs - nowMs();
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
}
