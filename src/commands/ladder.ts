// Builds the ladder and its way to the store: breaker, batcher and heartbeat, each once for every part that can be out.

import type { Config } from "../config/config.ts";
import type { Instant } from "../core/clock.ts";
import type { BreakerStateName, Observer } from "../core/observer.ts";
import { createBreaker } from "../resilience/breaker.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { createBatcher } from "../revocation/batcher.ts";
import { createGuard, type Guard } from "../revocation/guard.ts";
import { startHeartbeat } from "../revocation/heartbeat.ts";
import { createJointObserver, type StoreObserver } from "../revocation/joint-observer.ts";
import { markerKey } from "../revocation/keys.ts";
import type { LookUp } from "../revocation/look-up.ts";
import type { News } from "../revocation/news.ts";
import type { ReplicaView } from "../revocation/replica/view.ts";
import { createShardedLookUp, type ShardLookUp } from "../revocation/sharded-look-up.ts";
import { isLater } from "../revocation/trouble.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import type { MarkerReader } from "../revocation/store.ts";
import { systemClock } from "./clock.ts";

/** One Check has at most eight keys, three of them shared: a batch of 200 Checks stays below this. */
const MAX_BATCH_KEYS = 1_024;

/** Enough to keep a store one millisecond away busy at a batch per turn; more would only queue there. */
const MAX_BATCHES_IN_FLIGHT = 16;

/** A probe's own look-up settles within the store's time-out; twice that is surely lost. */
const PROBE_TIMEOUTS = 2;

export interface Ladder {
  readonly guard: Guard;
  readonly lookUp: LookUp;
  breakerState(): BreakerStateName;
  stop(): void;
}

/** What is asked. */
export type AskedStore = MarkerReader & Pick<RevocationStore, "shards" | "writtenAt">;

export function raiseLadder(
  config: Config,
  store: AskedStore,
  observer: Observer,
  replica: ReplicaView | undefined,
  news?: News,
): Ladder {
  const way = openWays(config, store, observer);
  const writtenAt = (): Instant | undefined => laterOf(store.writtenAt?.(), news?.changedAt);
  return { ...way, guard: createGuard({ lookUp: way.lookUp, clock: systemClock, observer, replica, writtenAt }) };
}

/** By us, and by whoever else has the file of an embedded store. */
function laterOf(written: Instant | undefined, heard: Instant | undefined): Instant | undefined {
  return written !== undefined && isLater(heard, written) ? heard : (written ?? heard);
}

function openWays(config: Config, store: AskedStore, observer: Observer): ShardLookUp {
  const { shards } = store;
  if (shards === undefined) {
    return openWay(config, store, observer, markerKey(config.store.keyPrefix, { kind: "everything" }));
  }
  const joint = createJointObserver(observer);
  const sharded = createShardedLookUp({
    shards,
    clock: systemClock,
    schedule: eventLoop,
    open(name, probeKey) {
      const way = openWay(config, shards, joint.of(name), probeKey);
      return {
        ...way,
        stop() {
          way.stop();
          joint.drop(name);
        },
      };
    },
  });
  return { lookUp: sharded, breakerState: () => sharded.breakerState(), stop: () => sharded.stop() };
}

/** `probeKey` undefined: nothing is asked but what calls ask. */
function openWay(
  config: Config,
  reader: MarkerReader,
  observer: StoreObserver,
  probeKey: string | undefined,
): ShardLookUp {
  const { timeoutMs } = config.store;
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
    reader,
    clock: systemClock,
    breaker,
    observer,
    schedule: eventLoop,
    timeoutMs,
    maxBatchKeys: MAX_BATCH_KEYS,
    maxBatchesInFlight: MAX_BATCHES_IN_FLIGHT,
    maxWaiting: config.limits.maxInFlightCount,
  });
  const heartbeat = { lookUp: batcher, clock: systemClock, schedule: eventLoop, timeoutMs: config.deadlineMs };
  const stopHeartbeat = probeKey === undefined ? undefined : startHeartbeat({ ...heartbeat, key: probeKey });
  return {
    lookUp: batcher,
    breakerState: () => breaker.state,
    stop() {
      stopHeartbeat?.();
      batcher.stop();
    },
  };
}
