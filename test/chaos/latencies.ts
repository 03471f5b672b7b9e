// Counts latencies by tenths of a millisecond: whoever drives calls for long must not slow down by what it remembers.

const TENTHS = 600_000;

export interface Latencies {
  add(ms: number): void;
  /** Undefined where there is none. In ms. */
  quantile(ratio: number): number | undefined;
}

export function createLatencies(): Latencies {
  const counts = new Uint32Array(TENTHS + 1);
  let total = 0;
  return {
    add(ms) {
      const at = Math.min(TENTHS, Math.floor(ms * 10));
      counts[at] = (counts[at] ?? 0) + 1;
      total += 1;
    },
    quantile(ratio) {
      let left = Math.floor(total * ratio);
      for (const [tenths, count] of counts.entries()) {
        if (left < count) return tenths / 10;
        left -= count;
      }
      return undefined;
    },
  };
}
