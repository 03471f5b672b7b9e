// The metrics of a control plane, by name, help and labels: its fleet, its relay, Kafka, the record, the audit trail. It counts
// nothing by itself.

import { KAFKA_GAPS, KAFKA_RESULTS, RECORD_REPAIRS } from "../core/observer.ts";
import { createCell, type Cell, type Family } from "./family.ts";
import { counter, gauge } from "./metric-kinds.ts";

export interface ControlMetrics {
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
  readonly auditFailures: Family<Cell>;
  readonly controlActions: Family<Cell>;
}

/**
 * With the series that must read 0 before their first event. The fleet's have none but in a control plane of its own, nor do
 * `kafkaUp` and the lag but in one at Kafka.
 */
export function controlMetrics(): ControlMetrics {
  const metrics = {
    fleetSidecars: gauge("fleet_sidecars", "Sidecars that report, by their breaker.", ["breaker"], createCell),
    fleetUnproved: gauge(
      "fleet_unproved_sidecars",
      "Sidecars without a replica that has proved itself current.",
      [],
      createCell,
    ),
    fleetLagMax: gauge("fleet_lag_max_seconds", "Lag of the replica furthest behind.", [], createCell),
    kafkaUp: gauge("kafka_up", "1 if publishing to Kafka, or consuming, gets on, 0 if not.", ["role"], createCell),
    kafkaPublished: counter("kafka_published_total", "Events that Kafka acknowledged, or did not.", ["result"]),
    kafkaPublishLag: gauge("kafka_publish_lag_seconds", "Age of what Kafka does not take.", [], createCell),
    kafkaGaps: counter("kafka_publish_gaps_total", "Times that events were missed and a reset published.", ["why"]),
    kafkaConsumed: counter("kafka_consumed_total", "Events from Kafka, by what came of them.", ["result"]),
    kafkaDeadLetters: counter("kafka_dead_letters_total", "Events copied to the dead letters, or not.", ["result"]),
    relayFollowers: gauge("relay_followers", "Sidecars that follow the relay here.", [], createCell),
    recordUp: gauge("record_up", "1 if the system of record answered last, 0 if not.", [], createCell),
    recordRepairs: counter("record_repairs_total", "Revocations brought back to what the record says.", ["repair"]),
    auditFailures: counter("audit_failures_total", "Entries of the audit trail not stored at once.", []),
    controlActions: counter("control_actions_total", "What was done or refused through the control API.", ["action"]),
  };
  metrics.auditFailures.at();
  for (const repair of RECORD_REPAIRS) metrics.recordRepairs.at(repair);
  for (const result of ["ok", "error"]) metrics.kafkaPublished.at(result);
  for (const why of KAFKA_GAPS) metrics.kafkaGaps.at(why);
  for (const result of KAFKA_RESULTS) metrics.kafkaConsumed.at(result);
  for (const result of ["written", "failed"]) metrics.kafkaDeadLetters.at(result);
  return metrics;
}
