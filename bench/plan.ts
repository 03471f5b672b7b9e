// How long a run may take and how much it measures: the full form and the quick one. Every number of it lives here.

export interface Plan {
  readonly name: "full" | "quick";
  /** After this nothing new is begun: what has been measured is reported. */
  readonly budgetMs: number;
  /** Each server and scenario once a round, in turn, so that a bad minute of the machine hits all alike. */
  readonly roundCount: number;
  /** Rounds of what a tail is compared of: the same ones and more, for one in four is off by a half. */
  readonly tailRoundCount: number;
  readonly warmMs: number;
  readonly measureMs: number;
  /** Once more when something else used the machine meanwhile. */
  readonly retryCount: number;
  /** Of the open loop through Envoy. */
  readonly ratePerSecond: number;
  /** Revocations timed, by tier; 0 leaves a tier out. */
  readonly revokeCount: Readonly<Record<"critical" | "standard" | "low", number>>;
  readonly storedRevocationCount: number;
  /** How a fleet is fed whose receipts are timed. */
  readonly fleetWays: readonly ("redis" | "relay")[];
}

/** The tokens in rotation: enough that no cache of a few hot ones can flatter a server. */
export const TOKEN_COUNT = 500;
export const STREAM_COUNT = 100;
/** Through Envoy: a few connections of clients, as Envoy's own worker then keeps one to the sidecar. */
export const CLIENT_CONNECTION_COUNT = 4;
/** Percent of one core that others may use before a sample counts as disturbed. */
export const FOREIGN_LIMIT_PERCENT = 4;

const FULL: Plan = {
  name: "full",
  budgetMs: 15 * 60_000,
  roundCount: 3,
  tailRoundCount: 5,
  warmMs: 1500,
  measureMs: 3500,
  retryCount: 1,
  ratePerSecond: 2000,
  revokeCount: { critical: 40, standard: 40, low: 20 },
  storedRevocationCount: 1_000_000,
  fleetWays: ["redis", "relay"],
};

const QUICK: Plan = {
  name: "quick",
  budgetMs: 100_000,
  roundCount: 1,
  tailRoundCount: 1,
  warmMs: 1000,
  measureMs: 2000,
  retryCount: 0,
  ratePerSecond: 2000,
  revokeCount: { critical: 20, standard: 10, low: 0 },
  storedRevocationCount: 100_000,
  fleetWays: [],
};

export function planOf(isQuick: boolean): Plan {
  return isQuick ? QUICK : FULL;
}
