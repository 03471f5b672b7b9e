// What the main thread of a sidecar and its workers say to each other. Each message is plain data, and none is waited for
// by a Check.

import type { Config } from "../config/config.ts";
import type { Instant } from "../core/clock.ts";
import type { DecisionTotals } from "../core/decision-totals.ts";
import type { BreakerStateName } from "../core/observer.ts";
import type { FleetAnswer, FleetQuestion } from "../revocation/preview/question.ts";
import type { StoreHealth } from "../revocation/revocation-store.ts";
import type { Showing } from "../revocation/shared/publications.ts";
import type { Samples } from "../telemetry/joint-samples.ts";
import type { TelemetryObserver } from "../telemetry/observer.ts";
import type { TakenReading } from "../token/key-source.ts";

/** With what a worker begins. */
export interface WorkerStart {
  /** Its one address is in `listen.grpc`. */
  readonly config: Config;
  /** The replica; undefined: there is none. */
  readonly showing: Showing | undefined;
  /** Of all threads the same, so that log lines can be compared. */
  readonly subjectKey: string;
  /** Of the main thread's monotonic clock. */
  readonly timeOrigin: number;
}

/** What a worker is asked, each answered once; `start` and `drain` once each. */
export type Question =
  | { readonly type: "start" }
  | { readonly type: "samples" }
  /** Come to a new turn: no Check that is answered from then on is judged by less than the replica holds now. */
  | { readonly type: "turn" }
  | { readonly type: "questions"; readonly questions: readonly FleetQuestion[] }
  /** Make all that `config` asks for; nothing is judged by it yet. */
  | { readonly type: "prepare"; readonly config: Config }
  /** Judge by what was prepared. */
  | { readonly type: "commit" }
  | { readonly type: "drain" };

export interface AnswerTo {
  /** Its addresses. */
  readonly start: readonly string[];
  readonly samples: Samples;
  readonly turn: undefined;
  readonly questions: readonly FleetAnswer[];
  readonly prepare: undefined;
  readonly commit: undefined;
  readonly drain: "finished" | "cut_off";
}

export type ToWorker =
  | { readonly type: "ask"; readonly id: number; readonly question: Question }
  /** What the source of this name has read. */
  | { readonly type: "keys"; readonly name: string; readonly reading: TakenReading }
  | { readonly type: "refetched"; readonly name: string; readonly wasRead: boolean }
  /** What gRPC health says: the same at every address. */
  | { readonly type: "serving"; readonly isServing: boolean }
  /** So many characters of its log lines. */
  | { readonly type: "taken"; readonly count: number };

export type FromWorker =
  | { readonly type: "answer"; readonly id: number; readonly answer: AnswerTo[keyof AnswerTo] }
  | { readonly type: "fault"; readonly id: number; readonly detail: string }
  | { readonly type: "pulse"; readonly pulse: Pulse }
  | { readonly type: "refetch"; readonly name: string; readonly kid: string }
  | { readonly type: "lines"; readonly lines: string };

/** How a worker is, told ten times a second. */
export interface Pulse {
  readonly store: StoreHealth & { readonly type: string; readonly lastAnswerAt: Instant | undefined };
  readonly breaker: BreakerStateName;
  /** Ids of issuers that it has keys of. */
  readonly issuersWithKeys: readonly string[];
  readonly decisions: ReturnType<TelemetryObserver["decisionRates"]>;
  readonly totals: DecisionTotals;
  readonly observedDenials: ReturnType<TelemetryObserver["observedDenials"]>;
  readonly inFlightCount: number;
}

/** Ten a second; after a hundred in vain it is taken for stuck. */
export const PULSE_EVERY_MS = 100;
