// What sidecars told this very control plane, in its memory: the fleet as far as it is known while the store, which holds
// all of it, cannot be asked. That is when somebody has to see who fails open.

import type { Clock } from "../../core/clock.ts";
import { MAX_SIDECARS, SILENT_AFTER_MS, type SeenSidecar, type SidecarReport } from "../../revocation/fleet-board.ts";

export interface HeardReports {
  note(report: SidecarReport): void;
  /** Those that are not silent; when each was seen is by this process's clock. */
  fleet(): readonly SeenSidecar[];
}

export function createHeardReports(clock: Clock): HeardReports {
  const heard = new Map<string, SeenSidecar>();
  return {
    note(report) {
      if (!heard.has(report.id) && heard.size >= MAX_SIDECARS) return;
      heard.set(report.id, { ...report, lastSeenMs: clock.now().wallMs });
    },
    fleet() {
      const sinceMs = clock.now().wallMs - SILENT_AFTER_MS;
      for (const { id, lastSeenMs } of heard.values()) if (lastSeenMs < sinceMs) heard.delete(id);
      return [...heard.values()];
    },
  };
}
