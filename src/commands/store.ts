// Opens the store of the configuration, and the ladder's way to it: replica, heartbeat, batcher, breaker, guard.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { BreakerStateName, Observer, RecordObserver } from "../core/observer.ts";
import { createBreaker } from "../resilience/breaker.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { createBatcher, type Batcher } from "../revocation/batcher.ts";
import { createEmbeddedStore } from "../revocation/embedded/store.ts";
import { createGuard, type Guard } from "../revocation/guard.ts";
import { startHeartbeat } from "../revocation/heartbeat.ts";
import { markerKey } from "../revocation/keys.ts";
import { createMemoryStore } from "../revocation/memory/store.ts";
import { createRedisReplicaSource } from "../revocation/redis/replica-source.ts";
import { createRedisStore } from "../revocation/redis/store.ts";
import { createReplica, type Replica } from "../revocation/replica/replica.ts";
import { createRecordDatabase } from "../revocation/record/database.ts";
import { createRecordedStore } from "../revocation/record/recorded-store.ts";
import { createReconciler } from "../revocation/record/reconciler.ts";
import type { RevocationStore } from "../revocation/store.ts";
import { systemClock } from "./clock.ts";

/** One Check has at most eight keys, three of them shared: a batch of 200 Checks stays below this. */
const MAX_BATCH_KEYS = 1_024;

/** Enough to keep a store one millisecond away busy at a batch per turn; more would only queue there. */
const MAX_BATCHES_IN_FLIGHT = 16;

/** A probe's own look-up settles within the store's time-out; twice that is surely lost. */
const PROBE_TIMEOUTS = 2;

export function openStore(config: Config, log: Log): RevocationStore {
  const { store } = config;
  switch (store.type) {
    case "redis":
      return createRedisStore({ ...store, clock: systemClock, log });
    case "embedded":
      return createEmbeddedStore({ path: store.path, keyPrefix: store.keyPrefix, clock: systemClock });
    case "memory":
      return createMemoryStore({ keyPrefix: store.keyPrefix, clock: systemClock });
  }
}

/** The same for a control plane: with a system of record, where the configuration names one. */
export function openControlStore(config: Config, log: Log, observer: RecordObserver): RevocationStore {
  const store = openStore(config, log);
  const { keyPrefix } = config.store;
  if (config.recordUrl === undefined) return store;
  const database = createRecordDatabase({ url: config.recordUrl, log, onUp: observer.recordUp });
  const reconciler = createReconciler({
    store,
    database,
    keyPrefix,
    clock: systemClock,
    schedule: eventLoop,
    log,
    onRepair: observer.recordRepaired,
  });
  return createRecordedStore({ store, database, reconciler, keyPrefix, clock: systemClock });
}

/** The replica of the configuration, not started; undefined where every answer comes from the store. */
export function createReplicaOf(config: Config, log: Log, observer: Observer): Replica | undefined {
  const { store, feed } = config;
  if (store.type !== "redis" || feed.type !== "redis") return undefined;
  return createReplica({
    source: createRedisReplicaSource({ url: store.url, keyPrefix: store.keyPrefix, clock: systemClock }),
    clock: systemClock,
    schedule: eventLoop,
    log,
    observer,
    random: Math.random,
    scanEveryMs: feed.scanEveryMs,
    directWriters: feed.directWriters,
  });
}

export interface Ladder {
  readonly guard: Guard;
  readonly lookUp: Batcher;
  breakerState(): BreakerStateName;
  stop(): void;
}

export function raiseLadder(
  config: Config,
  store: RevocationStore,
  observer: Observer,
  replica: Replica | undefined,
): Ladder {
  const { timeoutMs, keyPrefix } = config.store;
  const breaker = createBreaker({
    windowMs: config.breaker.windowMs,
    minCalls: config.breaker.minCallCount,
    failureRatio: config.breaker.failureRatio,
    openForMs: config.breaker.openForMs,
    probeForMs: PROBE_TIMEOUTS * timeoutMs,
    onChange: (state) => observer.breakerIs(state),
  });
  observer.breakerIs(breaker.state);
  const batcher = createBatcher({
    reader: store,
    clock: systemClock,
    breaker,
    observer,
    schedule: eventLoop,
    timeoutMs,
    maxBatchKeys: MAX_BATCH_KEYS,
    maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
    maxWaiting: config.limits.maxInFlightCount,
  });
  const stopHeartbeat = startHeartbeat({
    lookUp: batcher,
    clock: systemClock,
    schedule: eventLoop,
    key: markerKey(keyPrefix, { kind: "everything" }),
    timeoutMs: config.deadlineMs,
  });
  return {
    guard: createGuard({ lookUp: batcher, clock: systemClock, observer, replica }),
    lookUp: batcher,
    breakerState: () => breaker.state,
    stop() {
      stopHeartbeat();
      batcher.stop();
    },
  };
}
