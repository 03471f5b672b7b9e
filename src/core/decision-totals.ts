// What a sidecar has decided since it started, in numbers of a bounded form: outcomes, reasons and durations, and nobody's
// name.

import type { DenyReason } from "./deny-reason.ts";

/** From 50 µs, a warm check, to the longest deadline anybody sets. Of the metric and of what is reported alike. */
export const CHECK_DURATION_BOUNDS_S: readonly number[] = [
  50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 15e-3, 25e-3, 50e-3, 100e-3, 150e-3, 250e-3, 500e-3, 1,
];

export interface DecisionTotals {
  readonly allowed: number;
  /** Only reasons that happened. */
  readonly denied: Readonly<Partial<Record<DenyReason, number>>>;
  /** Of those allowed: while the store could not be asked. */
  readonly failedOpen: number;
  /** Of CHECK_DURATION_BOUNDS_S, each bucket by itself, and one more for what took longer. */
  readonly durations: readonly number[];
}
