// Hands reports on to the store, many at a time: while it writes some, those that come are collected, the newest of each
// sidecar only.

import type { FleetBoard, SidecarReport } from "../../revocation/fleet-board.ts";

export interface Inbox {
  /** Whether the store has it, or a newer one of the same sidecar. */
  take(report: SidecarReport): Promise<boolean>;
}

export function createInbox(board: FleetBoard): Inbox {
  let collected = new Map<string, SidecarReport>();
  let next: Promise<boolean> | undefined;
  let writing: Promise<unknown> = Promise.resolve();

  async function write(): Promise<boolean> {
    await writing;
    const reports = [...collected.values()];
    collected = new Map();
    next = undefined;
    const written = board.report(reports);
    writing = written;
    return (await written).ok;
  }

  return {
    take(report) {
      collected.set(report.id, report);
      next ??= write();
      return next;
    },
  };
}
