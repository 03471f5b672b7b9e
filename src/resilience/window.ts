// Counts the outcomes of the last so many milliseconds. It expires them by age, never by call, and decides nothing.

/** Parts a window is counted in: what it holds reaches back between 9/10 of its width and the whole of it. */
const SLICE_COUNT = 10;

export interface Totals {
  readonly calls: number;
  readonly failures: number;
}

export interface Window {
  /** `nowMs` on the monotonic clock. */
  record(failed: boolean, nowMs: number): void;
  totals(nowMs: number): Totals;
}

/** An empty window, `widthMs` wide. Its memory is fixed, however many calls it counts. */
export function createWindow(widthMs: number): Window {
  const sliceMs = widthMs / SLICE_COUNT;
  // Which slice of time each place holds now: what an idle hour left behind is told by its number, not by a call.
  const sliceOf = new Float64Array(SLICE_COUNT).fill(Number.NEGATIVE_INFINITY);
  const calls = new Uint32Array(SLICE_COUNT);
  const failures = new Uint32Array(SLICE_COUNT);

  return {
    record(failed, nowMs) {
      const slice = Math.floor(nowMs / sliceMs);
      const place = ((slice % SLICE_COUNT) + SLICE_COUNT) % SLICE_COUNT;
      if (sliceOf[place] !== slice) {
        sliceOf[place] = slice;
        calls[place] = 0;
        failures[place] = 0;
      }
      calls[place] = (calls[place] ?? 0) + 1;
      if (failed) failures[place] = (failures[place] ?? 0) + 1;
    },
    totals(nowMs) {
      const oldest = Math.floor(nowMs / sliceMs) - SLICE_COUNT + 1;
      let callCount = 0;
      let failureCount = 0;
      for (let place = 0; place < SLICE_COUNT; place += 1) {
        if ((sliceOf[place] ?? 0) < oldest) continue;
        callCount += calls[place] ?? 0;
        failureCount += failures[place] ?? 0;
      }
      return { calls: callCount, failures: failureCount };
    },
  };
}
