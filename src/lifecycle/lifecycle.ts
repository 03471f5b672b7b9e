// Starts the parts of a process in order and stops them in reverse, each within its deadline. It knows no part.

import type { Log } from "../core/log.ts";
import { err, ok, type Result } from "../core/result.ts";
import { within } from "./within.ts";

/** One part of the process. `stop` is called only after `start` was; both may reject. */
export interface Part {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

interface PartFault {
  readonly part: string;
  readonly cause: "timeout" | "failed";
  readonly detail: string;
}

export interface Lifecycle {
  /**
   * Starts every part in order. At the first that fails or is late, stops those that run and the late one once it
   * is up, and says which it was. Call once.
   */
  start(): Promise<Result<void, PartFault>>;
  /**
   * Stops what runs, in reverse order, also where a part fails to stop. While parts still start, no further one is
   * started. Calling it again gives the same promise.
   */
  stop(): Promise<readonly PartFault[]>;
}

export function createLifecycle(parts: readonly Part[], log: Log): Lifecycle {
  const running: Part[] = [];
  let starting: Promise<Result<void, PartFault>> | undefined;
  let stopping: Promise<readonly PartFault[]> | undefined;

  async function startAll(): Promise<Result<void, PartFault>> {
    for (const part of parts) {
      if (stopping !== undefined) return err({ part: part.name, cause: "failed", detail: "stopped before it started" });
      const fault = await startPart(part);
      if (fault === undefined) continue;
      await stopRunning();
      return err(fault);
    }
    return ok(undefined);
  }

  async function startPart(part: Part): Promise<PartFault | undefined> {
    const started = call(() => part.start());
    const outcome = await within(started, part.startTimeoutMs);
    if (outcome.state === "done") {
      running.push(part);
      return undefined;
    }
    if (outcome.state === "late")
      started.then(
        () => stopPart(part, log),
        () => undefined,
      );
    return faultOf(part, outcome);
  }

  async function stopRunning(): Promise<readonly PartFault[]> {
    const faults: PartFault[] = [];
    for (let part = running.pop(); part !== undefined; part = running.pop()) {
      const fault = await stopPart(part, log);
      if (fault !== undefined) faults.push(fault);
    }
    return faults;
  }

  return {
    start: () => (starting = startAll()),
    stop: () => (stopping ??= Promise.resolve(starting).then(stopRunning)),
  };
}

async function stopPart(part: Part, log: Log): Promise<PartFault | undefined> {
  const outcome = await within(
    call(() => part.stop()),
    part.stopTimeoutMs,
  );
  if (outcome.state === "done") return undefined;
  const fault = faultOf(part, outcome);
  log.error("part_not_stopped", { part: fault.part, cause: fault.cause, detail: fault.detail });
  return fault;
}

/** Turns a throw into a rejection. */
async function call(action: () => Promise<void>): Promise<void> {
  await action();
}

function faultOf(
  part: Part,
  outcome: { readonly state: "late" } | { readonly state: "failed"; readonly error: unknown },
): PartFault {
  if (outcome.state === "late") return { part: part.name, cause: "timeout", detail: "took longer than it may" };
  const { error } = outcome;
  return { part: part.name, cause: "failed", detail: error instanceof Error ? error.message : String(error) };
}
