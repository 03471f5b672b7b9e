// Runs a long-lived command: starts its parts, waits for the signal to end, stops them in reverse.

import type { Log } from "../core/log.ts";
import { createLifecycle, type Part } from "../lifecycle/lifecycle.ts";
import { EXIT, type CommandIo } from "./io.ts";

/** Resolves with the exit code when everything is stopped: 1 if a part could not start or be stopped. */
export async function runUntilTerminated(parts: readonly Part[], io: CommandIo, log: Log): Promise<number> {
  const lifecycle = createLifecycle(parts, log);
  let isTerminated = false;
  const stopped = new Promise<void>((resolve) => {
    io.signals.onTerminate(() => {
      isTerminated = true;
      resolve();
    });
  }).then(() => {
    log.info("stopping");
    return lifecycle.stop();
  });
  const started = await lifecycle.start();
  // A signal that comes while parts still start ends them in order too: nothing failed.
  if (!started.ok && !isTerminated) {
    const { part, cause, detail } = started.error;
    log.error("start_failed", { part, cause, detail });
    io.err(`portcullis: ${part} did not start: ${detail}\n`);
    return EXIT.failed;
  }
  const faults = await stopped;
  return faults.length === 0 ? EXIT.done : EXIT.failed;
}
