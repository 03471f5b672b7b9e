// What sidecars say of themselves, in this process's memory.

import { ok } from "../../core/result.ts";
import { MAX_SIDECARS, SILENT_AFTER_MS, type FleetBoard, type SeenSidecar } from "../fleet-board.ts";

export function createMemoryFleetBoard(nowMs: () => number): FleetBoard {
  const seen = new Map<string, SeenSidecar>();
  const live = (): readonly SeenSidecar[] => {
    const sinceMs = nowMs() - SILENT_AFTER_MS;
    for (const { id, lastSeenMs } of seen.values()) if (lastSeenMs < sinceMs) seen.delete(id);
    return [...seen.values()];
  };
  return {
    async report(reports) {
      live();
      for (const report of reports) {
        if (seen.has(report.id) || seen.size < MAX_SIDECARS) seen.set(report.id, { ...report, lastSeenMs: nowMs() });
      }
      return ok(undefined);
    },
    fleet: async () => ok(live()),
    heeded: async (ids) => ok(ids.map((id) => seen.get(id)?.heeded)),
  };
}
