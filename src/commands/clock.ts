// This machine's clocks, read together.

import type { Clock } from "../core/clock.ts";

export const systemClock: Clock = {
  now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }),
};
