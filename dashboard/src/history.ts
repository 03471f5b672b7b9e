// The last minutes of the fleet's pulse, kept while the page is open, whichever view is shown.

import type { Summary } from "./types.ts";

export interface Sample {
  /** Epoch seconds. */
  readonly atS: number;
  readonly allowed: number | null;
  readonly revoked: number | null;
  readonly refused: number | null;
  readonly unavailable: number | null;
  readonly failedOpen: number | null;
  readonly p50: number | null;
  readonly p99: number | null;
}

const KEPT = 600;
/** Reasons that say nothing about the caller: 503. */
const UNAVAILABLE = new Set([
  "revocation_unavailable",
  "keys_unavailable",
  "overloaded",
  "config_error",
  "internal_error",
]);

export const samples: Sample[] = [];

export function remember({ at, rates, latency_ms: latency }: Summary): void {
  const atS = at / 1_000;
  const last = samples.at(-1);
  if (last !== undefined && atS <= last.atS) return;
  // A gap is shown as one, not bridged by a line.
  if (last !== undefined && atS - last.atS > 5) samples.push({ ...NOTHING, atS: last.atS + 1 });
  samples.push({ atS, ...byOutcome(rates), p50: latency?.p50 ?? null, p99: latency?.p99 ?? null });
  samples.splice(0, samples.length - KEPT);
}

type Outcomes = Pick<Sample, "allowed" | "revoked" | "refused" | "unavailable" | "failedOpen">;

export function byOutcome(rates: Summary["rates"]): Outcomes {
  if (rates === null) return NOTHING;
  const denied = Object.entries(rates.denied);
  const sum = (of: (reason: string) => boolean): number =>
    denied.filter(([reason]) => of(reason)).reduce((total, [, perS]) => total + perS, 0);
  return {
    allowed: rates.allowed,
    revoked: rates.denied["revoked"] ?? 0,
    refused: sum((reason) => reason !== "revoked" && !UNAVAILABLE.has(reason)),
    unavailable: sum((reason) => UNAVAILABLE.has(reason)),
    failedOpen: rates.failed_open,
  };
}

const NOTHING = {
  allowed: null,
  revoked: null,
  refused: null,
  unavailable: null,
  failedOpen: null,
  p50: null,
  p99: null,
} as const;
