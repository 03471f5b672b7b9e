// Runs a long-lived command: starts its parts, waits for the signal to end, stops them in reverse.

import type { Log } from "../core/log.ts";
import { createLifecycle, type Part } from "../lifecycle/lifecycle.ts";
import { EXIT, type CommandIo } from "./io.ts";

/** The signal to end, from the moment it is listened for. */
export interface Termination {
  readonly asked: Promise<void>;
  /** As a signal would. */
  ask(): void;
  isAsked(): boolean;
}

/** From here on a signal is an order to end in order, also one that comes before there is anything to stop. */
export function listenForTermination(io: CommandIo): Termination {
  let isAsked = false;
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const ask = (): void => {
    isAsked = true;
    resolve();
  };
  io.signals.onTerminate(ask);
  return { asked, ask, isAsked: () => isAsked };
}

/** Resolves with the exit code when everything is stopped: 1 if a part could not start or be stopped. */
export async function runUntilTerminated(
  parts: readonly Part[],
  termination: Termination,
  io: CommandIo,
  log: Log,
): Promise<number> {
  const lifecycle = createLifecycle(parts, log);
  const stopped = termination.asked.then(() => {
    log.info("stopping");
    return lifecycle.stop();
  });
  const started = await lifecycle.start();
  // A signal that comes while parts still start ends them in order too: nothing failed.
  if (!started.ok && !termination.isAsked()) {
    const { part, cause, detail } = started.error;
    log.error("start_failed", { part, cause, detail });
    io.err(`portcullis: ${part} did not start: ${detail}\n`);
    return EXIT.failed;
  }
  const faults = await stopped;
  return faults.length === 0 ? EXIT.done : EXIT.failed;
}
