// Counts events and says how many a second there were lately. One addition an event; it keeps no timer.

export interface RateMeter {
  /** `nowMs` is monotonic. */
  count(nowMs: number): void;
  /** Average over the last ten full seconds, or since the start while younger; one decimal. */
  perSecond(nowMs: number): number;
}

const WINDOW_S = 10;

/** `startedAtMs` is monotonic. */
export function createRateMeter(startedAtMs: number): RateMeter {
  const counts = new Float64Array(WINDOW_S + 1); // the running second and the ten before it
  const startedAtS = Math.floor(startedAtMs / 1_000);
  let currentS = startedAtS;

  function turnTo(nowMs: number): void {
    const nowS = Math.floor(nowMs / 1_000);
    const skippedCount = Math.min(nowS - currentS, counts.length);
    for (let i = 1; i <= skippedCount; i++) counts[(nowS - skippedCount + i) % counts.length] = 0;
    if (nowS > currentS) currentS = nowS;
  }

  return {
    count(nowMs) {
      if (nowMs >= (currentS + 1) * 1_000) turnTo(nowMs);
      const slot = currentS % counts.length;
      counts[slot] = (counts[slot] ?? 0) + 1;
    },
    perSecond(nowMs) {
      turnTo(nowMs);
      const fullS = Math.min(WINDOW_S, currentS - startedAtS);
      if (fullS === 0) return counts[currentS % counts.length] ?? 0;
      let sum = 0;
      for (let back = 1; back <= fullS; back++) sum += counts[(currentS - back + counts.length) % counts.length] ?? 0;
      return Math.round((sum / fullS) * 10) / 10;
    },
  };
}
