// Hands reports on to the store, many at a time: while it writes some, those that come are collected, the newest of each
// sidecar only.

import type { FleetBoard, SidecarReport } from "../../revocation/fleet-board.ts";
import type { FleetQuestion } from "../../revocation/preview/question.ts";

export interface Inbox {
  /** The open questions, once the store has it, or a newer one of the same sidecar; undefined: it has not. */
  take(report: SidecarReport): Promise<readonly FleetQuestion[] | undefined>;
}

export function createInbox(board: FleetBoard): Inbox {
  let collected = new Map<string, SidecarReport>();
  let next: ReturnType<Inbox["take"]> | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  async function write(): ReturnType<Inbox["take"]> {
    await writing;
    const reports = [...collected.values()];
    collected = new Map();
    next = undefined;
    const written = board.report(reports);
    writing = written;
    const asked = await written;
    return asked.ok ? asked.value : undefined;
  }

  return {
    take(report) {
      collected.set(report.id, report);
      next ??= write();
      return next;
    },
  };
}
