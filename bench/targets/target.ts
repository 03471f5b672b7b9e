// What can be measured: a server that answers Checks, in scenarios that mean the same for all of them.
import type { Alg } from "../fixtures/tokens.ts";
import type { Running } from "../processes.ts";

/** recent: warm tokens, answers a while old are good. replica: the same, from the replica of the store. ask: warm tokens, the store is asked on each call. */
export type ScenarioKind = "recent" | "replica" | "ask" | "cold-rs256" | "cold-es256" | "warm-unguarded" | "floor";

export interface Scenario {
  readonly kind: ScenarioKind;
  /** As the target itself calls it. */
  readonly name: string;
  readonly alg: Alg;
}

export interface Target {
  readonly name: string;
  /** The product itself: Envoy is set up by the reference configuration. */
  readonly isOurs: boolean;
  /** Asks a store about revocations. */
  readonly usesStore: boolean;
  /** False: only measured in the first round, for it is slow and far off. */
  readonly inEveryRound: boolean;
  readonly scenarios: readonly Scenario[];
  /** Answers Checks on 127.0.0.1:`port` when done. */
  start(scenario: Scenario, port: number): Promise<Running>;
}

export const TITLE: Readonly<Record<ScenarioKind, string>> = {
  recent: "warm, recent answers",
  replica: "warm, from the replica",
  ask: "warm, asks the store",
  "cold-rs256": "cold RS256",
  "cold-es256": "cold ES256",
  "warm-unguarded": "warm",
  floor: "says yes",
};
