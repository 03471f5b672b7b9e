// Opens the store of the configuration, and the replica that is fed from it.

import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer, RecordObserver } from "../core/observer.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { createEmbeddedStore } from "../revocation/embedded/store.ts";
import { feedInProcess } from "../revocation/in-process-feed.ts";
import { createMemoryStore } from "../revocation/memory/store.ts";
import { createNewsReader, type NewsReader } from "../revocation/news.ts";
import { createRedisReplicaSource } from "../revocation/redis/replica-source.ts";
import type { RedisStoreOptions } from "../revocation/redis/options.ts";
import { createRedisStore } from "../revocation/redis/store.ts";
import { createReplica, type Replica } from "../revocation/replica/replica.ts";
import { createRecordDatabase } from "../revocation/record/database.ts";
import { createRecordedStore } from "../revocation/record/recorded-store.ts";
import { createReconciler } from "../revocation/record/reconciler.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import { systemClock } from "./clock.ts";

/** `keeping`: how it cares for the feed in Redis, as control planes do. */
export function openStore(
  config: Config,
  log: Log,
  keeping: Pick<RedisStoreOptions, "replays" | "beginsFeed"> = {},
): RevocationStore {
  const { store } = config;
  switch (store.type) {
    case "redis":
      return createRedisStore({ ...store, ...keeping, clock: systemClock, log });
    case "embedded":
      return feedInProcess(
        createEmbeddedStore({ path: store.path, keyPrefix: store.keyPrefix, clock: systemClock }),
        systemClock,
      );
    case "memory":
      return feedInProcess(createMemoryStore({ keyPrefix: store.keyPrefix, clock: systemClock }), systemClock);
  }
}

/** The same for a control plane: with a system of record, where the configuration names one. */
export function openControlStore(config: Config, log: Log, observer: RecordObserver): RevocationStore {
  // A record knows more than the last ten minutes, and repairs under its own locks.
  const store = openStore(config, log, config.recordUrl === undefined ? { replays: true } : { beginsFeed: true });
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
export function createReplicaOf(
  config: Config,
  log: Log,
  observer: Observer,
  onAwaited: () => void,
): Replica | undefined {
  const { store, feed } = config;
  if (store.type !== "redis" || feed.type !== "redis") return undefined;
  return createReplica({
    source: createRedisReplicaSource({ url: store.url, keyPrefix: store.keyPrefix, clock: systemClock, log }),
    clock: systemClock,
    schedule: eventLoop,
    log,
    observer,
    random: Math.random,
    scanEveryMs: feed.scanEveryMs,
    directWriters: feed.directWriters,
    onAwaited,
  });
}

/** Not started; undefined for a store outside of this machine, which a replica follows. */
export function createNewsOf(store: RevocationStore, onNews: () => void): NewsReader | undefined {
  return store.type === "redis" ? undefined : createNewsReader({ log: store, clock: systemClock, onNews });
}
