// Log lines of a thread that leave the process by another: two that write to one descriptor would tear each other's lines.
// It drops lines rather than let them pile up where that thread does not take them.

import type { LogOutput } from "./log-output.ts";

/** As much as may wait for standard output itself. */
const MAX_WAITING_CHARACTERS = 4 * 1024 * 1024;

/** Lines gather for so long: one message for many. */
const GATHER_MS = 5;

const FLUSH_TIMEOUT_MS = 1_000;

export interface HandedOutput extends LogOutput {
  /** So many characters of what was handed on were taken. */
  taken(count: number): void;
}

export function createHandedOutput(hand: (lines: string) => void): HandedOutput {
  let gathered = "";
  let timer: NodeJS.Timeout | undefined;
  let waitingCount = 0;
  let dropped = 0;
  let onEmpty: (() => void) | undefined;

  function send(): void {
    clearTimeout(timer);
    timer = undefined;
    if (gathered !== "") hand(gathered);
    gathered = "";
  }

  return {
    write(line) {
      if (waitingCount + line.length > MAX_WAITING_CHARACTERS) {
        dropped += 1;
        return;
      }
      waitingCount += line.length;
      gathered += line;
      timer ??= setTimeout(send, GATHER_MS);
    },
    taken(count) {
      waitingCount -= count;
      if (waitingCount === 0) onEmpty?.();
    },
    droppedCount: () => dropped,
    flush() {
      send();
      if (waitingCount === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const giveUp = setTimeout(resolve, FLUSH_TIMEOUT_MS);
        onEmpty = () => {
          clearTimeout(giveUp);
          resolve();
        };
      });
    },
  };
}
