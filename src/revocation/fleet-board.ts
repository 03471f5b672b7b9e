// The port to what the live sidecars last said of themselves, kept with the revocations so that every control plane sees
// the same fleet. It is no part of any decision about a call.

import type { DecisionTotals } from "../core/decision-totals.ts";
import type { BreakerStateName } from "../core/observer.ts";
import type { Result } from "../core/result.ts";
import type { FleetAnswer, FleetQuestion } from "./preview/question.ts";
import type { StoreFault } from "./store.ts";

/** Up to which entry of the feed a sidecar heeds everything, whatever it answered before. */
export interface Heeded {
  readonly epoch: string;
  readonly seq: number;
}

export interface SidecarReport {
  /** Of one process: after a restart it is another. */
  readonly id: string;
  readonly version: string;
  /** undefined: it keeps no replica, or cannot say that of any entry. */
  readonly heeded: Heeded | undefined;
  /** Since its replica last proved itself current; undefined where there is none, or never. */
  readonly lagMs: number | undefined;
  readonly breaker: BreakerStateName;
  /** Since it started; undefined of an older version, which does not say. */
  readonly totals: DecisionTotals | undefined;
  /** To the questions it was asked of late; undefined of an older version, which answers none. */
  readonly answers: readonly FleetAnswer[] | undefined;
  /** Epoch milliseconds, by the sidecar's clock. */
  readonly startedAtMs: number;
}

export interface SeenSidecar extends SidecarReport {
  /** Epoch milliseconds, by the store's clock. */
  readonly lastSeenMs: number;
}

/** Who has been silent for so long is no part of the fleet. */
export const SILENT_AFTER_MS = 10_000;

/** More are not kept: some 10 MB. */
export const MAX_SIDECARS = 10_000;

export interface FleetBoard {
  /** Keeps the newest report of each; those of new sidecars past MAX_SIDECARS are dropped. Gives the open questions. */
  report(reports: readonly SidecarReport[]): Promise<Result<readonly FleetQuestion[], StoreFault>>;
  /** Opens a question for so long; false: MAX_OPEN_QUESTIONS are open. */
  ask(question: FleetQuestion, forMs: number): Promise<Result<boolean, StoreFault>>;
  /** All that are not silent. */
  fleet(): Promise<Result<readonly SeenSidecar[], StoreFault>>;
  /** `heeded` of each of these, which may be silent by now. */
  heeded(ids: readonly string[]): Promise<Result<readonly (Heeded | undefined)[], StoreFault>>;
}
