// What was decided since the start, summed up from the metrics. It counts nothing by itself.

import type { DecisionTotals } from "../core/decision-totals.ts";
import { DENY_REASONS, type DenyReason } from "../core/deny-reason.ts";
import type { Metrics } from "./metrics.ts";

type Counted = Pick<Metrics, "decisions" | "checkDuration" | "failOpen">;

export function totalsOf({ decisions, checkDuration, failOpen }: Counted): DecisionTotals {
  let allowed = 0;
  const denied: Partial<Record<DenyReason, number>> = {};
  for (const { labels, cell } of decisions.series()) {
    const reason = denyReasonOf(labels);
    if (reason === undefined) allowed += cell.value;
    else denied[reason] = (denied[reason] ?? 0) + cell.value;
  }
  const failedOpen = failOpen.series().reduce((sum, { cell }) => sum + cell.value, 0);
  let below = 0;
  const durations = checkDuration
    .at()
    .buckets()
    .map(({ cumulativeCount }) => {
      const count = cumulativeCount - below;
      below = cumulativeCount;
      return count;
    });
  return { allowed, denied, failedOpen, durations };
}

/** What would have been refused, had it not been only observed; only reasons that happened. */
export function observedDenialsOf({ observedDenials }: Pick<Metrics, "observedDenials">): ObservedDenials {
  const byReason: Partial<Record<DenyReason, number>> = {};
  for (const { labels, cell } of observedDenials.series()) {
    const reason = denyReasonOf(labels);
    if (reason !== undefined) byReason[reason] = (byReason[reason] ?? 0) + cell.value;
  }
  return byReason;
}

export type ObservedDenials = Readonly<Partial<Record<DenyReason, number>>>;

function denyReasonOf(labels: Readonly<Record<string, string>>): DenyReason | undefined {
  return DENY_REASONS.find((known) => known === labels["reason"]);
}
