// What `/status` tells of decisions: how many a second lately. A snapshot for people, not a metric.

import type { Decision } from "../core/observer.ts";
import { createRateMeter } from "./rate-meter.ts";

export interface DecisionRates {
  readonly allowPerSecond: number;
  readonly denyPerSecond: number;
  /** Part of the allows. */
  readonly failOpenPerSecond: number;
}

export interface DecisionCounts {
  count(decision: Decision, nowMs: number): void;
  rates(nowMs: number): DecisionRates;
}

/** Times are of the monotonic clock. */
export function createDecisionCounts(startedAtMs: number): DecisionCounts {
  const allowed = createRateMeter(startedAtMs);
  const denied = createRateMeter(startedAtMs);
  const failedOpen = createRateMeter(startedAtMs);
  return {
    count(decision, nowMs) {
      (decision.outcome === "allow" ? allowed : denied).count(nowMs);
      if (decision.assurance === "fail-open") failedOpen.count(nowMs);
    },
    rates: (nowMs) => ({
      allowPerSecond: allowed.perSecond(nowMs),
      denyPerSecond: denied.perSecond(nowMs),
      failOpenPerSecond: failedOpen.perSecond(nowMs),
    }),
  };
}
