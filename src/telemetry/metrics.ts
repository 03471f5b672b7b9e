// Every metric, by name, help, labels and buckets. It counts nothing by itself.

import { CHECK_DURATION_BOUNDS_S } from "../core/decision-totals.ts";
import { UNKNOWN_CAUSES } from "../core/evidence.ts";
import { SENDER_FLAWS } from "../core/possession.ts";
import { TARGET_KINDS } from "../core/target.ts";
import { controlMetrics, type ControlMetrics } from "./control-metrics.ts";
import type { Distribution } from "./distribution.ts";
import { createCell, Family, type Cell } from "./family.ts";
import { counter, createAgeCell, gauge, histogram, type AgeCell } from "./metric-kinds.ts";

/** From 10 µs: a key set's fastest algorithms take about 30 µs, ES512 about 1 ms. */
const VERIFY_BUCKETS_S = [10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3];

const BATCH_KEY_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];

/** Label value where a decision was made before the thing was known. */
export const NONE = "none";

export interface Metrics extends ControlMetrics {
  readonly decisions: Family<Cell>;
  readonly observedDenials: Family<Cell>;
  readonly observing: Family<Cell>;
  readonly senderRejections: Family<Cell>;
  readonly checkDuration: Family<Distribution>;
  readonly verifyDuration: Family<Distribution>;
  readonly verifiedTokenCache: Family<Cell>;
  readonly lookupDuration: Family<Distribution>;
  readonly lookups: Family<Cell>;
  readonly storeBatchSize: Family<Distribution>;
  readonly storeErrors: Family<Cell>;
  readonly storeUp: Family<Cell>;
  readonly breakerState: Family<Cell>;
  readonly failOpen: Family<Cell>;
  readonly revokedTokenAttempts: Family<Cell>;
  readonly replicaLag: Family<AgeCell>;
  readonly replicaEntries: Family<Cell>;
  readonly replicaSeq: Family<Cell>;
  readonly replicaWrongType: Family<Cell>;
  readonly jwksFetches: Family<Cell>;
  readonly jwksKeysDropped: Family<Cell>;
  readonly jwksAge: Family<AgeCell>;
  readonly introspections: Family<Cell>;
  readonly configReloads: Family<Cell>;
  readonly issuerClockAhead: Family<Cell>;
  readonly logLinesDropped: Family<Readonly<Cell>>;
}

export interface MetricsOptions {
  /** Epoch milliseconds. */
  readonly wallNowMs: () => number;
  readonly droppedLogLines: () => number;
}

/** All families, with the series that must read 0 before their first event: an alert on an increase needs one. */
export function createMetrics(options: MetricsOptions): Metrics {
  const metrics = {
    ...checkMetrics(),
    ...storeMetrics(),
    ...replicaMetrics(options),
    ...controlMetrics(),
    ...processMetrics(options),
  };
  metrics.checkDuration.at();
  for (const why of SENDER_FLAWS) metrics.senderRejections.at(why);
  metrics.storeBatchSize.at();
  metrics.storeUp.at();
  metrics.breakerState.at();
  metrics.logLinesDropped.at();
  for (const cause of UNKNOWN_CAUSES) metrics.storeErrors.at(cause);
  for (const kind of TARGET_KINDS) metrics.revokedTokenAttempts.at(kind);
  for (const result of ["ok", "refused"]) metrics.configReloads.at(result);
  return metrics;
}

type CheckMetrics = Pick<
  Metrics,
  | "decisions"
  | "observedDenials"
  | "observing"
  | "senderRejections"
  | "checkDuration"
  | "verifyDuration"
  | "verifiedTokenCache"
  | "failOpen"
  | "revokedTokenAttempts"
>;

function checkMetrics(): CheckMetrics {
  return {
    decisions: counter("decisions_total", "Checks decided.", ["decision", "reason", "tier", "assurance"]),
    observedDenials: counter(
      "observed_denials_total",
      "Checks let through in mode observe that would have been refused.",
      ["reason", "tier"],
    ),
    observing: gauge("observing", "1 while nothing is refused (mode: observe), 0 while it guards.", [], createCell),
    senderRejections: counter(
      "sender_rejections_total",
      "Good tokens whose caller was not taken for whom they are bound to.",
      ["why"],
    ),
    checkDuration: histogram("check_duration_seconds", "Duration of a Check here.", [], CHECK_DURATION_BOUNDS_S),
    verifyDuration: histogram(
      "verify_duration_seconds",
      "Duration of a token's verification.",
      ["alg"],
      VERIFY_BUCKETS_S,
    ),
    verifiedTokenCache: counter("verified_token_cache_total", "Look-ups in the cache of verified tokens.", ["result"]),
    failOpen: counter("fail_open_total", "Checks let through while the store could not be asked.", ["tier"]),
    revokedTokenAttempts: counter("revoked_token_attempts_total", "Checks refused for a revocation.", ["kind"]),
  };
}

type StoreMetrics = Pick<
  Metrics,
  "lookupDuration" | "lookups" | "storeBatchSize" | "storeErrors" | "storeUp" | "breakerState"
>;

function storeMetrics(): StoreMetrics {
  const lookup = "revocation_lookup";
  return {
    lookupDuration: histogram(
      `${lookup}_duration_seconds`,
      "Wait for a revocation answer.",
      ["source"],
      CHECK_DURATION_BOUNDS_S,
    ),
    lookups: counter(`${lookup}s_total`, "Revocation look-ups.", ["source", "result"]),
    storeBatchSize: histogram("store_batch_size", "Different keys in one read of the store.", [], BATCH_KEY_BUCKETS),
    storeErrors: counter("store_errors_total", "Reads of the store that were not answered.", ["cause"]),
    storeUp: gauge("store_up", "1 if the store answered the last read, 0 if not, or not yet.", [], createCell),
    breakerState: gauge("breaker_state", "The store's breaker: 0 closed, 1 half-open, 2 open.", [], createCell),
  };
}

type ReplicaMetrics = Pick<Metrics, "replicaLag" | "replicaEntries" | "replicaSeq" | "replicaWrongType">;

/** Without series while there is no replica. */
function replicaMetrics({ wallNowMs }: MetricsOptions): ReplicaMetrics {
  return {
    replicaLag: gauge("replica_lag_seconds", "Time since the replica last proved itself current.", [], () =>
      createAgeCell(wallNowMs),
    ),
    replicaEntries: gauge("replica_entries", "Revocations held in memory.", [], createCell),
    replicaSeq: gauge("replica_seq", "Last entry of the feed that was applied.", [], createCell),
    replicaWrongType: gauge(
      "replica_wrong_type_keys",
      "Keys of markers that are no strings, so nobody sees them, as of the last scan.",
      [],
      createCell,
    ),
  };
}

type ProcessMetrics = Omit<
  Metrics,
  keyof CheckMetrics | keyof StoreMetrics | keyof ReplicaMetrics | keyof ControlMetrics
>;

function processMetrics({ wallNowMs, droppedLogLines }: MetricsOptions): ProcessMetrics {
  const ageCell = (): AgeCell => createAgeCell(wallNowMs);
  const droppedCell = (): Readonly<Cell> => ({
    get value() {
      return droppedLogLines();
    },
  });
  return {
    jwksFetches: counter("jwks_fetch_total", "Fetches of an issuer's key set.", ["issuer", "result"]),
    jwksKeysDropped: counter("jwks_keys_dropped_total", "Keys of a key set that were not taken.", ["issuer", "why"]),
    jwksAge: gauge("jwks_age_seconds", "Time since an issuer's key set was last read whole.", ["issuer"], ageCell),
    introspections: counter("introspections_total", "Questions to an issuer about opaque tokens.", [
      "issuer",
      "result",
    ]),
    configReloads: counter("config_reload_total", "Reloads of the configuration.", ["result"]),
    issuerClockAhead: gauge("issuer_clock_ahead_seconds", "Largest iat - now seen.", ["issuer"], createCell),
    logLinesDropped: new Family(
      "counter",
      "portcullis_log_lines_dropped_total",
      "Log lines nobody read in time.",
      [],
      droppedCell,
    ),
  };
}
