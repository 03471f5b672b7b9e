// One line at the foot of a terminal that says how far a long work is. Anywhere else it says nothing.

import type { CommandIo } from "./io.ts";

export interface Progress {
  /** Shows `text`, unless the last was shown a moment ago. */
  show(text: string): void;
  /** Takes the line away, before something else is written. */
  clear(): void;
}

const MIN_PAUSE_MS = 100;
const CLEAR_LINE = "\r\u001b[K";

export function createProgress(io: CommandIo): Progress {
  let shownAtMs = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    show(text) {
      const nowMs = performance.now();
      if (!io.isErrorTerminal || nowMs - shownAtMs < MIN_PAUSE_MS) return;
      shownAtMs = nowMs;
      isShown = true;
      io.err(`${CLEAR_LINE}${text}`);
    },
    clear() {
      if (isShown) io.err(CLEAR_LINE);
      isShown = false;
    },
  };
}
