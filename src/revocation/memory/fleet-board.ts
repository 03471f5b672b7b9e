// What sidecars say of themselves, in this process's memory.

import { ok } from "../../core/result.ts";
import { MAX_SIDECARS, SILENT_AFTER_MS, type FleetBoard, type SeenSidecar } from "../fleet-board.ts";
import { MAX_OPEN_QUESTIONS, type FleetQuestion } from "../preview/question.ts";

export function createMemoryFleetBoard(nowMs: () => number): FleetBoard {
  const seen = new Map<string, SeenSidecar>();
  const live = (): readonly SeenSidecar[] => {
    const sinceMs = nowMs() - SILENT_AFTER_MS;
    for (const { id, lastSeenMs } of seen.values()) if (lastSeenMs < sinceMs) seen.delete(id);
    return [...seen.values()];
  };
  const asked = new Map<FleetQuestion, number>();
  const open = (): readonly FleetQuestion[] => {
    for (const [question, untilMs] of asked) if (untilMs <= nowMs()) asked.delete(question);
    return [...asked.keys()];
  };
  return {
    async report(reports) {
      live();
      for (const report of reports) {
        if (seen.has(report.id) || seen.size < MAX_SIDECARS) seen.set(report.id, { ...report, lastSeenMs: nowMs() });
      }
      return ok(open());
    },
    async ask(question, forMs) {
      if (open().length >= MAX_OPEN_QUESTIONS) return ok(false);
      asked.set(question, nowMs() + forMs);
      return ok(true);
    },
    fleet: async () => ok(live()),
    heeded: async (ids) => ok(ids.map((id) => seen.get(id)?.heeded)),
  };
}
