// What a sidecar has decided, in JSON: as it is reported, and as it is shown.

import { CHECK_DURATION_BOUNDS_S, type DecisionTotals } from "../../core/decision-totals.ts";
import { DENY_REASONS, type DenyReason } from "../../core/deny-reason.ts";
import type { JsonSchema } from "../json-schema.ts";

export interface TotalsJson {
  readonly allowed: number;
  readonly denied: Readonly<Partial<Record<DenyReason, number>>>;
  readonly failed_open: number;
  readonly durations: readonly number[];
}

const COUNT: JsonSchema = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const BUCKETS = CHECK_DURATION_BOUNDS_S.length + 1;

export const TOTALS: JsonSchema = {
  type: "object",
  additionalProperties: false,
  required: ["allowed", "denied", "failed_open", "durations"],
  description: "Of its Checks since it started.",
  properties: {
    allowed: COUNT,
    denied: {
      type: "object",
      additionalProperties: false,
      properties: Object.fromEntries(DENY_REASONS.map((reason) => [reason, COUNT])),
      description: "By reason, those that happened.",
    },
    failed_open: { ...COUNT, description: "Of those allowed: while the store could not be asked." },
    durations: {
      type: "array",
      items: COUNT,
      minItems: BUCKETS,
      maxItems: BUCKETS,
      description: `How many took up to ${CHECK_DURATION_BOUNDS_S.join(", ")} s, each apart, and how many took longer.`,
    },
  },
};

export function totalsJson({ allowed, denied, failedOpen, durations }: DecisionTotals): TotalsJson {
  return { allowed, denied, failed_open: failedOpen, durations };
}

export function totalsOfJson({ allowed, denied, failed_open: failedOpen, durations }: TotalsJson): DecisionTotals {
  return { allowed, denied, failedOpen, durations };
}
