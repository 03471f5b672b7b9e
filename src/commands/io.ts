// What a command may touch of its process. main.ts alone fills it in; a command never reads the process itself.

import type { Result } from "../core/result.ts";

interface Signals {
  /**
   * Calls `drain` on the first SIGTERM or SIGINT; from then on a second one ends the process with 1 at once.
   * Until a command asks for it, both signals end the process as they always do, a server with 0.
   */
  onTerminate(drain: () => void): void;
  /**
   * The same for a command that only shows something, and is no server: there is nothing left to do for it once nobody
   * reads its output.
   */
  onInterrupt(end: () => void): void;
  /** Calls `reload` on every SIGHUP. Until a command asks for it, SIGHUP ends the process, but no server. */
  onReload(reload: () => void): void;
}

export interface CommandIo {
  /** Writes to standard output, as it is: the caller ends its lines. */
  out(text: string): void;
  /** Writes to standard error, as it is: the caller ends its lines. */
  err(text: string): void;
  /** All of standard input as UTF-8; the error says, for people, that it is above 1 MiB or cannot be read. */
  readStdin(): Promise<Result<string, string>>;
  /** Standard input as it comes, without a bound. */
  stdinChunks(): AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Standard output is a terminal and NO_COLOR is not set. */
  readonly isTerminal: boolean;
  /** Standard error is one: somebody watches. */
  readonly isErrorTerminal: boolean;
  /** Of this program, as in package.json. */
  readonly version: string;
  /** What this process runs, for a thread of its own that knows what it is by its data. */
  readonly program: URL;
  readonly signals: Signals;
}

/** What the shell sees: done, failed, usage or configuration error. */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const;
