// Every metric of contract §8 that exists, by name, help, labels and buckets. It counts nothing by itself.

import { CHECK_DURATION_BOUNDS_S } from "../core/decision-totals.ts";
import { UNKNOWN_CAUSES } from "../core/evidence.ts";
import { KAFKA_GAPS, KAFKA_RESULTS, RECORD_REPAIRS } from "../core/observer.ts";
import { SENDER_FLAWS } from "../core/possession.ts";
import { TARGET_KINDS } from "../core/target.ts";
import { Distribution } from "./distribution.ts";
import { createCell, Family, type Cell } from "./family.ts";

/** From 10 µs: a key set's fastest algorithms take about 30 µs, ES512 about 1 ms. */
const VERIFY_BUCKETS_S = [10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 50e-3];

const BATCH_KEY_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048];

/** Label value where a decision was made before the thing was known. */
export const NONE = "none";

/** When something was last known, shown as its age. */
export interface AgeCell {
  /** Epoch milliseconds. */
  readAtMs: number;
  readonly value: number;
}

export interface Metrics {
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
  readonly relayFollowers: Family<Cell>;
  readonly recordUp: Family<Cell>;
  readonly recordRepairs: Family<Cell>;
  readonly kafkaUp: Family<Cell>;
  readonly kafkaPublished: Family<Cell>;
  readonly kafkaPublishLag: Family<Cell>;
  readonly kafkaGaps: Family<Cell>;
  readonly kafkaConsumed: Family<Cell>;
  readonly kafkaDeadLetters: Family<Cell>;
  readonly fleetSidecars: Family<Cell>;
  readonly fleetUnproved: Family<Cell>;
  readonly fleetLagMax: Family<Cell>;
  readonly jwksFetches: Family<Cell>;
  readonly jwksKeysDropped: Family<Cell>;
  readonly jwksAge: Family<AgeCell>;
  readonly introspections: Family<Cell>;
  readonly auditFailures: Family<Cell>;
  readonly controlActions: Family<Cell>;
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
    ...fleetMetrics(),
    ...kafkaMetrics(),
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
  metrics.auditFailures.at();
  for (const repair of RECORD_REPAIRS) metrics.recordRepairs.at(repair);
  for (const result of ["ok", "refused"]) metrics.configReloads.at(result);
  for (const result of ["ok", "error"]) metrics.kafkaPublished.at(result);
  for (const why of KAFKA_GAPS) metrics.kafkaGaps.at(why);
  for (const result of KAFKA_RESULTS) metrics.kafkaConsumed.at(result);
  for (const result of ["written", "failed"]) metrics.kafkaDeadLetters.at(result);
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

function createAgeCell(wallNowMs: () => number): AgeCell {
  return {
    readAtMs: 0,
    get value() {
      return Math.max(0, (wallNowMs() - this.readAtMs) / 1000);
    },
  };
}

type FleetMetrics = Pick<Metrics, "fleetSidecars" | "fleetUnproved" | "fleetLagMax">;

/** Without series but in a control plane of its own. */
function fleetMetrics(): FleetMetrics {
  return {
    fleetSidecars: gauge("fleet_sidecars", "Sidecars that report, by their breaker.", ["breaker"], createCell),
    fleetUnproved: gauge(
      "fleet_unproved_sidecars",
      "Sidecars without a replica that has proved itself current.",
      [],
      createCell,
    ),
    fleetLagMax: gauge("fleet_lag_max_seconds", "Lag of the replica furthest behind.", [], createCell),
  };
}

type KafkaMetrics = Pick<
  Metrics,
  "kafkaUp" | "kafkaPublished" | "kafkaPublishLag" | "kafkaGaps" | "kafkaConsumed" | "kafkaDeadLetters"
>;

/** `up` and the lag are without series but in a control plane at Kafka. */
function kafkaMetrics(): KafkaMetrics {
  return {
    kafkaUp: gauge("kafka_up", "1 if publishing to Kafka, or consuming, gets on, 0 if not.", ["role"], createCell),
    kafkaPublished: counter("kafka_published_total", "Events that Kafka acknowledged, or did not.", ["result"]),
    kafkaPublishLag: gauge("kafka_publish_lag_seconds", "Age of what Kafka does not take.", [], createCell),
    kafkaGaps: counter("kafka_publish_gaps_total", "Times that events were missed and a reset published.", ["why"]),
    kafkaConsumed: counter("kafka_consumed_total", "Events from Kafka, by what came of them.", ["result"]),
    kafkaDeadLetters: counter("kafka_dead_letters_total", "Events copied to the dead letters, or not.", ["result"]),
  };
}

type ProcessMetrics = Omit<
  Metrics,
  keyof CheckMetrics | keyof StoreMetrics | keyof ReplicaMetrics | keyof FleetMetrics | keyof KafkaMetrics
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
    relayFollowers: gauge("relay_followers", "Sidecars that follow the relay here.", [], createCell),
    recordUp: gauge("record_up", "1 if the system of record answered last, 0 if not.", [], createCell),
    recordRepairs: counter("record_repairs_total", "Revocations brought back to what the record says.", ["repair"]),
    auditFailures: counter("audit_failures_total", "Entries of the audit trail not stored at once.", []),
    controlActions: counter("control_actions_total", "What was done or refused through the control API.", ["action"]),
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

function counter(name: string, help: string, labelNames: readonly string[]): Family<Cell> {
  return new Family("counter", `portcullis_${name}`, help, labelNames, createCell);
}

function gauge<T extends Readonly<Cell>>(
  name: string,
  help: string,
  labelNames: readonly string[],
  create: () => T,
): Family<T> {
  return new Family("gauge", `portcullis_${name}`, help, labelNames, create);
}

function histogram(
  name: string,
  help: string,
  labelNames: readonly string[],
  bounds: readonly number[],
): Family<Distribution> {
  return new Family("histogram", `portcullis_${name}`, help, labelNames, () => new Distribution(bounds));
}
