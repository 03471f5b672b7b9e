// What `/status` tells of decisions: how many lately and in all. A snapshot for people, not a metric.

import type { Decision } from "../core/observer.ts";

/** The rate is the mean of this many whole seconds. */
const RATE_SECONDS = 10;

export interface DecisionStatistics {
  /** Mean of the last ten whole seconds. */
  readonly perSecond: number;
  /** Since the start. */
  readonly allowed: number;
  /** Since the start; among the allowed. */
  readonly failOpen: number;
  /** Since the start. */
  readonly denied: number;
}

export interface DecisionCounts {
  count(decision: Decision, nowMs: number): void;
  snapshot(nowMs: number): DecisionStatistics;
}

/** Times are of the monotonic clock. */
export function createDecisionCounts(): DecisionCounts {
  // One place more than seconds counted: the running second is not whole yet.
  const places = RATE_SECONDS + 1;
  const secondOf = new Float64Array(places).fill(Number.NEGATIVE_INFINITY);
  const counts = new Float64Array(places);
  let allowed = 0;
  let failOpen = 0;
  let denied = 0;

  return {
    count(decision, nowMs) {
      const second = Math.floor(nowMs / 1000);
      const place = second % places;
      if (secondOf[place] !== second) {
        secondOf[place] = second;
        counts[place] = 0;
      }
      counts[place] = (counts[place] ?? 0) + 1;
      if (decision.outcome === "deny") denied += 1;
      else allowed += 1;
      if (decision.assurance === "fail-open") failOpen += 1;
    },
    snapshot(nowMs) {
      const running = Math.floor(nowMs / 1000);
      let recent = 0;
      for (let place = 0; place < places; place += 1) {
        const second = secondOf[place] ?? Number.NEGATIVE_INFINITY;
        if (second < running && second >= running - RATE_SECONDS) recent += counts[place] ?? 0;
      }
      return { perSecond: recent / RATE_SECONDS, allowed, failOpen, denied };
    },
  };
}
