// Turns what the rooms report into metrics, logs and statistics. It decides nothing and never throws at them.

import type { Clock } from "../core/clock.ts";
import type { DecisionTotals } from "../core/decision-totals.ts";
import type {
  BreakerStateName,
  FleetFacts,
  KafkaObserver,
  Observer,
  RecordObserver,
  RelayObserver,
} from "../core/observer.ts";
import { observedDenialsOf, totalsOf, type ObservedDenials } from "./decision-totals.ts";
import type { DecisionLog } from "./decision-log.ts";
import { NONE, type Metrics } from "./metrics.ts";
import type { OutageLog } from "./outage-log.ts";
import { createDecisionCounts, type DecisionRates } from "./statistics.ts";

const BREAKER_VALUES: Readonly<Record<BreakerStateName, number>> = { closed: 0, "half-open": 1, open: 2 };

export interface ObserverOptions {
  readonly metrics: Metrics;
  readonly decisionLog: DecisionLog;
  readonly outageLog: OutageLog;
  readonly clock: Clock;
  /** Names of the configured tiers, so that fail-open reads 0 for each before the first one happens. */
  readonly tiers: readonly string[];
}

export interface TelemetryObserver extends Observer, RecordObserver, RelayObserver, KafkaObserver {
  /** For `/status`. */
  decisionRates(): DecisionRates;
  /** Since the start. */
  readonly decisionTotals: () => DecisionTotals;
  /** Since the start. */
  observedDenials(): ObservedDenials;
  fleetIs(facts: FleetFacts | undefined): void;
}

export function createObserver({ metrics, decisionLog, outageLog, clock, tiers }: ObserverOptions): TelemetryObserver {
  const counts = createDecisionCounts(clock.now().monotonicMs);
  const checkDuration = metrics.checkDuration.at();
  for (const tier of tiers) metrics.failOpen.at(tier);

  return {
    ...observeTokens(metrics),
    ...observeStore(metrics, outageLog),
    ...observeReplica(metrics, clock.now().wallMs),
    ...observeKafka(metrics),
    observedDenials: () => observedDenialsOf(metrics),
    decisionTotals: () => totalsOf(metrics),
    fleetIs: (facts) => showFleet(metrics, facts),
    decisionRates: () => counts.rates(clock.now().monotonicMs),
    decided(decision) {
      const { outcome, reason, tier = NONE, assurance = NONE, endedAt, traceId } = decision;
      const seconds = decision.durationMs / 1000;
      metrics.decisions.at(outcome, reason, tier, assurance).value += 1;
      checkDuration.observe(seconds);
      if (traceId !== undefined) checkDuration.exemplify({ traceId, value: seconds, atS: endedAt.wallMs / 1000 });
      if (assurance === "fail-open") {
        metrics.failOpen.at(tier).value += 1;
        outageLog.failedOpen(tier);
      }
      if (decision.wouldDeny !== undefined) metrics.observedDenials.at(decision.wouldDeny, tier).value += 1;
      if (decision.senderFlaw !== undefined) metrics.senderRejections.at(decision.senderFlaw).value += 1;
      counts.count(decision, endedAt.monotonicMs);
      decisionLog.record(decision);
    },
    revokedTokenAttempted(kind) {
      metrics.revokedTokenAttempts.at(kind).value += 1;
    },
    relayFollowedBy(count) {
      metrics.relayFollowers.at().value = count;
    },
    observing(isObserving) {
      metrics.observing.at().value = isObserving ? 1 : 0;
    },
    recordUp(up) {
      metrics.recordUp.at().value = up ? 1 : 0;
    },
    recordRepaired(repair) {
      metrics.recordRepairs.at(repair).value += 1;
    },
    auditFailed(count) {
      metrics.auditFailures.at().value += count;
    },
    audited(action, count) {
      metrics.controlActions.at(action).value += count;
    },
    configReloaded(result) {
      metrics.configReloads.at(result).value += 1;
    },
  };
}

type TokenReports =
  | "verified"
  | "verifiedTokenCache"
  | "jwksFetched"
  | "jwksKeyDropped"
  | "jwksReadAt"
  | "introspected"
  | "issuerClockAhead";

function observeTokens(metrics: Metrics): Pick<Observer, TokenReports> {
  return {
    verified(algorithm, durationMs) {
      metrics.verifyDuration.at(algorithm).observe(durationMs / 1000);
    },
    verifiedTokenCache(result) {
      metrics.verifiedTokenCache.at(result).value += 1;
    },
    jwksFetched(issuerId, result) {
      metrics.jwksFetches.at(issuerId, result).value += 1;
    },
    jwksKeyDropped(issuerId, why) {
      metrics.jwksKeysDropped.at(issuerId, why).value += 1;
    },
    introspected(issuerId, result) {
      metrics.introspections.at(issuerId, result).value += 1;
    },
    jwksReadAt(issuerId, wallMs) {
      metrics.jwksAge.at(issuerId).readAtMs = wallMs;
    },
    issuerClockAhead(issuerId, seconds) {
      const cell = metrics.issuerClockAhead.at(issuerId);
      cell.value = Math.max(cell.value, seconds);
    },
  };
}

type StoreReports = "lookedUp" | "batchSent" | "storeFailed" | "storeUp" | "breakerIs";

function observeStore(metrics: Metrics, outageLog: OutageLog): Pick<Observer, StoreReports> {
  const batchSize = metrics.storeBatchSize.at();
  return {
    lookedUp(source, result, durationMs) {
      metrics.lookups.at(source, result).value += 1;
      metrics.lookupDuration.at(source).observe(durationMs / 1000);
    },
    batchSent(keyCount) {
      batchSize.observe(keyCount);
    },
    storeFailed(cause) {
      metrics.storeErrors.at(cause).value += 1;
      outageLog.storeFailed(cause);
    },
    storeUp(up) {
      metrics.storeUp.at().value = up ? 1 : 0;
      outageLog.storeUp(up);
    },
    breakerIs(state) {
      metrics.breakerState.at().value = BREAKER_VALUES[state];
      outageLog.breakerIs(state);
    },
  };
}

/** Before its first position a replica lags since `startedWallMs`. */
function observeReplica(metrics: Metrics, startedWallMs: number): Pick<Observer, "replicaIs"> {
  return {
    replicaIs({ positionWallMs, entryCount, seq, wrongTypeCount }) {
      metrics.replicaLag.at().readAtMs = positionWallMs ?? startedWallMs;
      metrics.replicaEntries.at().value = entryCount;
      metrics.replicaSeq.at().value = seq;
      metrics.replicaWrongType.at().value = wrongTypeCount;
    },
  };
}

function observeKafka(metrics: Metrics): KafkaObserver {
  return {
    kafkaUp(role, up) {
      metrics.kafkaUp.at(role).value = up ? 1 : 0;
    },
    published(result, count) {
      metrics.kafkaPublished.at(result).value += count;
    },
    publicationLags(ms) {
      metrics.kafkaPublishLag.at().value = ms / 1000;
    },
    publicationMissed(why) {
      metrics.kafkaGaps.at(why).value += 1;
    },
    consumed(result) {
      metrics.kafkaConsumed.at(result).value += 1;
    },
    deadLettered(result) {
      metrics.kafkaDeadLetters.at(result).value += 1;
    },
  };
}

/** What cannot be told now is no number, or an old one would stand for it. */
function showFleet(metrics: Metrics, facts: FleetFacts | undefined): void {
  for (const breaker of ["closed", "half-open", "open"] as const) {
    metrics.fleetSidecars.at(breaker).value = facts?.sidecarsByBreaker[breaker] ?? NaN;
  }
  metrics.fleetUnproved.at().value = facts?.unprovedCount ?? NaN;
  metrics.fleetLagMax.at().value = facts === undefined ? NaN : facts.lagMaxMs / 1000;
}
