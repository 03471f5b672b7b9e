// Revocations in one Redis, or in the primary that Sentinels name: what the store is made of. Look-ups have a connection
// of their own, so that no scan and no write ever stands before one.

import { err, ok, type Result } from "../../core/result.ts";
import { markerKey } from "../keys.ts";
import type { RevocationStore, StoreHealth } from "../revocation-store.ts";
import type { StoreFault } from "../store.ts";
import { createRedisEventLog } from "./event-log.ts";
import { fault } from "./fault.ts";
import { beginFeed } from "./feed-beginning.ts";
import { createFeedKeeper } from "./feed-keeper.ts";
import { fitnessOf, type Fitness } from "./fitness.ts";
import { linkForLookUps, linkForOperations } from "./links.ts";
import { CHANGES_TOGETHER } from "./markers.ts";
import { MetServer } from "./met-server.ts";
import { beginOperation, OPERATION_TIMEOUT_MS, type Ask } from "./operation.ts";
import type { RedisStoreOptions } from "./options.ts";
import { describePlace, type OnePlace, type SentinelPlace } from "./place.ts";
import { locatorOf } from "./primary.ts";
import { keptRecords, recordsOf } from "./records.ts";
import { togetherOn } from "./together.ts";
import { valuesOf, type Values } from "./values.ts";

/** The eviction policy is asked for on connecting and with every so many proofs of the role, about every 5 s. */
const PROOFS_PER_FITNESS = 10;

export function createPrimaryStore(place: OnePlace | SentinelPlace, options: RedisStoreOptions): RevocationStore {
  const { keyPrefix, timeoutMs, clock, log } = options;
  const locator = locatorOf(place, clock);
  const probeKey = markerKey(keyPrefix, { kind: "everything" });
  let lastFault: StoreFault | undefined = fault("disconnected", "not asked yet");
  let fitness: Fitness = { state: "fit" };
  let proofs = 0;

  const met = new MetServer({ keyPrefix, clock, log });
  const lookUps = linkForLookUps(locator, clock, "in one", (isFirst) => {
    proofs = isFirst ? 0 : proofs + 1;
    // Before the data, so that the store is never reachable and not yet known to be unfit.
    if (options.requireNoEviction && proofs % PROOFS_PER_FITNESS === 0) void learnFitness();
    void met.meet(lookUps, isFirst).then(() => read([probeKey], timeoutMs)); // a role is told while loading too: only data proves that data is answered
  });
  const operations = linkForOperations(locator, clock, "portcullis-control", (isFirst) => {
    if (isFirst && options.beginsFeed === true) void beginFeed(begin(), keyPrefix);
  });
  const waiting = linkForOperations(locator, clock, "portcullis-events");
  /** Nobody else's: whoever waits for replicas holds it up. Started when it is first needed. */
  const durable = linkForOperations(locator, clock, "portcullis-durable");
  const keeping = linkForOperations(locator, clock, "portcullis-keeper");
  const begin = (): Ask => beginOperation(operations, clock);

  const keeper =
    options.replays === true ? createFeedKeeper({ keyPrefix, clock, log, link: keeping, begin }) : undefined;

  async function read(keys: readonly string[], readTimeoutMs: number): Promise<Result<Values, StoreFault>> {
    if (keys.length === 0) return ok([]);
    const result = await readJudged(keys, readTimeoutMs);
    lastFault = result.ok ? undefined : result.error;
    return result;
  }

  async function readJudged(keys: readonly string[], readTimeoutMs: number): Promise<Result<Values, StoreFault>> {
    const why = lookUps.fault();
    if (why !== undefined) return err(why);
    const along = met.keys();
    if (!along.ok) return along;
    const askedAtMs = clock.now().monotonicMs;
    const reply = await lookUps.send("MGET", [...keys, ...along.value], readTimeoutMs);
    if (!reply.ok) return reply;
    const values = valuesOf(reply.value, keys.length + along.value.length);
    if (!values.ok) return values;
    const judged = met.judge(values.value.slice(keys.length), askedAtMs);
    return judged.ok ? ok(values.value.slice(0, keys.length)) : judged;
  }

  async function learnFitness(): Promise<void> {
    const before = fitness;
    const reply = await lookUps.send("INFO", ["memory"], OPERATION_TIMEOUT_MS);
    if (!reply.ok && reply.error.cause !== "auth") return; // not a word about memory; asked again soon
    fitness = fitnessOf(reply.ok ? reply.value : undefined);
    if (fitness.state === before.state) return;
    if (fitness.state === "unfit") log.warn("store_unfit", { why: fitness.why });
    if (fitness.state === "not told") log.warn("store_eviction_policy_not_told", { store: describePlace(place) });
  }

  function health(): StoreHealth {
    const why = lookUps.fault() ?? lastFault;
    const state = why === undefined ? "a primary answers" : `${why.cause}: ${why.detail}`;
    const untold = fitness.state === "not told" ? ", eviction policy not told" : "";
    return {
      reachable: why === undefined,
      unfit: fitness.state === "unfit" ? fitness.why : undefined,
      describe: `${describePlace(place)}, ${state}${untold}`,
    };
  }

  const records = recordsOf({
    keyPrefix,
    clock,
    log,
    begin,
    changes: CHANGES_TOGETHER,
    together: togetherOn(() => durable),
  });
  return {
    ...createRedisEventLog({ keyPrefix, waiting, begin }),
    ...(keeper === undefined ? records : keptRecords(records, keeper)),
    type: "redis",
    async start() {
      locator.start();
      lookUps.start();
      operations.start();
      keeper?.start();
    },
    async stop() {
      await Promise.all([
        lookUps.stop(),
        operations.stop(),
        waiting.stop(),
        durable.stop(),
        keeper?.stop(),
        locator.stop(),
      ]);
    },
    health,
    read,
  };
}
