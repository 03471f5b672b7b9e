// A thread that wakes the loader when a call is due: an event loop's own timers are 1 ms coarse. It sends nothing itself.
import { parentPort, workerData } from "node:worker_threads";
import { Arrivals, PACER_LEAD_MS } from "./arrivals.ts";
import { nowMs, sleepUntil } from "./clock.ts";

export interface PacerData {
  readonly beginMs: number;
  readonly endMs: number;
  readonly ratePerSecond: number;
  readonly seed: number;
}

const data = workerData as PacerData;
const arrivals = new Arrivals(data.beginMs, data.ratePerSecond, data.seed);
for (let dueMs = arrivals.next(); dueMs < data.endMs; dueMs = arrivals.next()) {
  if (dueMs - PACER_LEAD_MS <= nowMs()) continue;
  sleepUntil(dueMs - PACER_LEAD_MS);
  parentPort?.postMessage(null);
}
