// Opens the store of the configuration, and the replica that is fed from it, or the relay that feeds others.

import { canFeed } from "../config/compile.ts";
import type { Config } from "../config/config.ts";
import type { Log } from "../core/log.ts";
import type { Observer, RecordObserver, RelayObserver } from "../core/observer.ts";
import { eventLoop } from "../resilience/schedule.ts";
import { createEmbeddedStore } from "../revocation/embedded/store.ts";
import { feedInProcess } from "../revocation/in-process-feed.ts";
import { createMemoryStore } from "../revocation/memory/store.ts";
import { createNewsReader, type NewsReader } from "../revocation/news.ts";
import { createRedisReplicaSource } from "../revocation/redis/replica-source.ts";
import type { RedisStoreOptions } from "../revocation/redis/options.ts";
import { createRedisStore } from "../revocation/redis/store.ts";
import { createRelay, type Relay } from "../revocation/relay/relay.ts";
import { createRelayedReplica } from "../revocation/relay/replica.ts";
import { createRelayStore, type RelayStore } from "../revocation/relay/store.ts";
import type { Publication } from "../revocation/shared/publication.ts";
import type { Publications } from "../revocation/shared/publications.ts";
import type { ReplicaOptions } from "../revocation/replica/options.ts";
import { createReplica, type Replica } from "../revocation/replica/replica.ts";
import { createRecordDatabase } from "../revocation/record/database.ts";
import { createRecordedStore } from "../revocation/record/recorded-store.ts";
import { createReconciler } from "../revocation/record/reconciler.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import { systemClock } from "./clock.ts";

/** What a sidecar asks. */
export type SidecarStore = RevocationStore | RelayStore;

export function openSidecarStore(config: Config, log: Log): SidecarStore {
  if (config.store.type !== "relay") return openStore(config, log);
  const { url: controlUrl, reportToken: token = "" } = config.control;
  return createRelayStore({ controlUrl, token });
}

/** `keeping`: how it cares for the feed in Redis, as control planes do. */
function openStore(
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
    case "relay":
      throw new RangeError("the store of a sidecar holds nothing of its own");
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

/**
 * The replica of the configuration, not started; undefined where every answer comes from the store. `publications`: other
 * threads read there what it knows.
 */
export function createReplicaOf(
  config: Config,
  log: Log,
  observer: Observer,
  onAwaited: () => void,
  publications?: Publications,
): Replica | undefined {
  const { store, feed, control } = config;
  const common = { clock: systemClock, schedule: eventLoop, log, observer, random: Math.random, onAwaited };
  const { keyPrefix } = store;
  if (feed.type === "relay" && (store.type === "redis" || store.type === "relay")) {
    const shared = publications === undefined ? {} : { publications };
    return createRelayedReplica({
      ...common,
      ...shared,
      controlUrl: control.url,
      token: control.reportToken ?? "",
      keyPrefix,
    });
  }
  if (store.type !== "redis" || feed.type !== "redis") return undefined;
  const source = createRedisReplicaSource({ url: store.url, keyPrefix, clock: systemClock, log });
  return createReplica({ ...common, ...feed, ...knownIn(publications?.inForce), source });
}

function knownIn(publication: Publication | undefined): Pick<ReplicaOptions, "known" | "publish"> {
  if (publication === undefined) return {};
  return { known: publication.knowledge(), publish: (state) => publication.publish(state) };
}

/** The relay of a control plane; undefined where its store feeds nobody. */
export function createRelayOf({ store, feed }: Config, log: Log, observer: RelayObserver): Relay | undefined {
  if (store.type !== "redis" || !canFeed(store)) return undefined;
  const { keyPrefix } = store;
  return createRelay({
    ...feed,
    source: createRedisReplicaSource({ url: store.url, keyPrefix, clock: systemClock, log }),
    keyPrefix,
    clock: systemClock,
    schedule: eventLoop,
    log,
    random: Math.random,
    onCount: observer.relayFollowedBy,
  });
}

/** Not started; undefined for a store outside of this machine, which a replica follows. */
export function createNewsOf(store: SidecarStore, onNews: () => void): NewsReader | undefined {
  return store.type === "redis" || store.type === "relay"
    ? undefined
    : createNewsReader({ log: store, clock: systemClock, onNews });
}
