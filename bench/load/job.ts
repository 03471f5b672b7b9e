// What the loader is told and what it tells, as JSON on its command line and on standard output.

export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

export interface LoadJob {
  /** Check calls straight to a server, or GETs with bearer tokens to an Envoy. */
  readonly kind: "grpc" | "http";
  readonly endpoint: Endpoint;
  /** Folder with tokens-ALG.txt and bodies-ALG.bin. */
  readonly fixtures: string;
  readonly alg: "rs256" | "es256" | "es384";
  /** Different tokens in rotation. */
  readonly tokenCount: number;
  readonly connectionCount: number;
  readonly load:
    /** So many calls always in flight, over all connections. */
    | { readonly loop: "closed"; readonly streamCount: number }
    /** Calls due at the instants of a Poisson process, whether or not earlier ones have ended. */
    | { readonly loop: "open"; readonly ratePerSecond: number; readonly seed: number };
  readonly warmMs: number;
  readonly measureMs: number;
  /** Process ids by name. */
  readonly watch: Readonly<Record<string, number>>;
}

/** Bursts of calls whose tokens nobody remembers when they come again. */
export interface BurstJob {
  readonly endpoint: Endpoint;
  readonly fixtures: string;
  readonly alg: LoadJob["alg"];
  /** Those of the fixtures that are sent by turns: `tokenCount` from this one on. */
  readonly firstToken: number;
  readonly tokenCount: number;
  readonly size: number;
  readonly everyMs: number;
}

export interface BurstResult {
  readonly sentCount: number;
  readonly endedCount: number;
  readonly failedCount: number;
}

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface LoadResult {
  /** Calls that ended within the window. */
  readonly endedCount: number;
  readonly perSecond: number;
  /** Of the whole run, the warm-up included; a good run has none. */
  readonly failures: Readonly<Record<string, number>>;
  /** From the instant a call was due: closed loop, when it could be sent; open loop, when it should have been. */
  readonly latencyMs: Percentiles;
  /** How much later than due the calls of an open loop were written. */
  readonly latenessMs: Percentiles;
  /** Of each watched process and of the loader itself (`load`), µs per call ended. */
  readonly cpuUsPerCall: Readonly<Record<string, number>>;
  readonly rssMiB: Readonly<Record<string, number>>;
  readonly foreignPercent: number;
  readonly stealPercent: number;
}
