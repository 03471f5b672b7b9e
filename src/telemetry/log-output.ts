// Where all log lines go: one file descriptor, asynchronously, with a bound. It drops lines rather than block a Check.

import { pino } from "pino";
import { withoutTokens } from "../core/token-like.ts";

/** What may wait for a slow reader of standard output; beyond it lines are dropped and counted. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;

/** Every line goes at once all the same; with 0 its flush() says it is done before anything is written. */
const MIN_LENGTH = 1;

/** How long flush() waits for a reader that does not read. */
const FLUSH_TIMEOUT_MS = 1_000;

export interface LogOutput {
  /** One whole line, its line break included. */
  write(line: string): void;
  /** Lines lost since the start because nobody read them in time. */
  droppedCount(): number;
  /** Resolves when everything written so far has left the process, at the latest after a second. */
  flush(): Promise<void>;
}

/** `fd` is 1 for standard output. A reader that goes away ends the log, never the process. */
export function createLogOutput(fd: number): LogOutput {
  const destination = pino.destination({ dest: fd, sync: false, minLength: MIN_LENGTH, maxLength: MAX_WAITING_BYTES });
  let dropped = 0;
  destination.on("drop", () => {
    dropped += 1;
  });
  // Without a listener an error event ends the process; there is nowhere to report that the log cannot be written.
  destination.on("error", () => {
    dropped += 1;
  });

  return {
    write(line) {
      destination.write(withoutTokens(line));
    },
    droppedCount: () => dropped,
    flush() {
      return new Promise((resolve) => {
        const giveUp = setTimeout(resolve, FLUSH_TIMEOUT_MS);
        destination.flush(() => {
          clearTimeout(giveUp);
          resolve();
        });
      });
    },
  };
}
