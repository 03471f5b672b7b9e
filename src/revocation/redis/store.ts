// Revocations in Redis: what one store is made of. Look-ups have a connection of their own, so that no scan and no
// write ever stands before one.

import { err, ok, type Result } from "../../core/result.ts";
import { markerKey } from "../keys.ts";
import type { RevocationStore, StoreFault, StoreHealth } from "../store.ts";
import { createRedisAuditStore } from "./audit-store.ts";
import { createRedisEventLog } from "./event-log.ts";
import { fault } from "./fault.ts";
import { fitnessOf, type Fitness } from "./fitness.ts";
import { answerIdempotencyKey, claimIdempotencyKey } from "./idempotency.ts";
import { createLink } from "./link.ts";
import { listRevocations } from "./lister.ts";
import { beginOperation, OPERATION_TIMEOUT_MS, type Ask } from "./operation.ts";
import type { RedisStoreOptions } from "./options.ts";
import { describePlace, parsePlace } from "./place.ts";
import { locatorOf } from "./primary.ts";
import { getRevocation, liftRevocation, putRevocation } from "./writer.ts";

/** Silence for so long ends a connection: long for one look-up, short enough to be back 3 s after the store is. */
const LOOK_UP_SILENCE_MS = 1_000;
const OPERATION_SILENCE_MS = OPERATION_TIMEOUT_MS + 500;

/** Far above what a batcher has in flight; reached only by a Redis that stopped answering. */
const MAX_UNANSWERED_LOOK_UPS = 256;
const MAX_UNANSWERED_OPERATIONS = 4_096;

/** The eviction policy is asked for on connecting and with every so many proofs of the role, about every 5 s. */
const PROOFS_PER_FITNESS = 10;

type Values = readonly (string | null)[];

/** Throws a RangeError for a URL that parsePlace refuses: the configuration has been checked before. */
export function createRedisStore(options: RedisStoreOptions): RevocationStore {
  const { keyPrefix, timeoutMs, clock, log } = options;
  const parsed = parsePlace(options.url);
  if (!parsed.ok) throw new RangeError(`store URL: ${parsed.error}`);
  const place = parsed.value;
  if (place.kind === "cluster") throw new RangeError("later");
  const locator = locatorOf(place, clock);
  const probeKey = markerKey(keyPrefix, { kind: "everything" });
  let lastFault: StoreFault | undefined = fault("disconnected", "not asked yet");
  let fitness: Fitness = { state: "fit" };
  let proofs = 0;

  const lookUps = createLink({
    locator,
    clock,
    name: "portcullis-look-up",
    silenceMs: LOOK_UP_SILENCE_MS,
    maxUnanswered: MAX_UNANSWERED_LOOK_UPS,
    onProve(isFirst) {
      proofs = isFirst ? 0 : proofs + 1;
      // Before the data, so that the store is never reachable and not yet known to be unfit.
      if (options.requireNoEviction && proofs % PROOFS_PER_FITNESS === 0) void learnFitness();
      void read([probeKey], timeoutMs); // a role is told while loading too: only data proves that data is answered
    },
  });
  const operations = createLink({
    locator,
    clock,
    name: "portcullis-control",
    silenceMs: OPERATION_SILENCE_MS,
    maxUnanswered: MAX_UNANSWERED_OPERATIONS,
    onProve() {},
  });
  const waiting = createLink({
    locator,
    clock,
    name: "portcullis-events",
    silenceMs: OPERATION_SILENCE_MS,
    maxUnanswered: MAX_UNANSWERED_OPERATIONS,
    onProve() {},
  });
  const begin = (): Ask => beginOperation(operations, clock);

  async function read(keys: readonly string[], readTimeoutMs: number): Promise<Result<Values, StoreFault>> {
    if (keys.length === 0) return ok([]);
    const reply = await lookUps.send("MGET", keys, readTimeoutMs);
    const result: Result<Values, StoreFault> = reply.ok ? valuesOf(reply.value, keys.length) : reply;
    lastFault = result.ok ? undefined : result.error;
    return result;
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

  return {
    ...createRedisEventLog({ keyPrefix, waiting, begin }),
    ...createRedisAuditStore(keyPrefix, begin),
    type: "redis",
    async start() {
      locator.start();
      lookUps.start();
      operations.start();
    },
    async stop() {
      await Promise.all([lookUps.stop(), operations.stop(), waiting.stop(), locator.stop()]);
    },
    health,
    read,
    put: (revocation) => putRevocation(begin(), keyPrefix, revocation),
    lift: (id) => liftRevocation(begin(), keyPrefix, id, clock.now().wallMs),
    get: (id) => getRevocation(begin(), keyPrefix, id),
    list: (query) => listRevocations(begin(), keyPrefix, query, log),
    claimIdempotencyKey: (key, print, ttlMs) => claimIdempotencyKey(begin(), keyPrefix, key, print, ttlMs),
    answerIdempotencyKey: (key, answer, ttlMs) => answerIdempotencyKey(begin(), keyPrefix, key, answer, ttlMs),
  };
}

function valuesOf(reply: unknown, count: number): Result<Values, StoreFault> {
  if (Array.isArray(reply) && reply.length === count && reply.every(isValue)) return ok(reply);
  return err(fault("protocol", "MGET answered in an unknown shape"));
}

/** Not so of an error inside an array, which a proxy before Redis may answer for one key of several. */
function isValue(element: unknown): element is string | null {
  return element === null || typeof element === "string";
}
