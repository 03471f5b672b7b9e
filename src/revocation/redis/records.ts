// What a control plane does in Redis, each time as an operation of its own.

import type { Log } from "../../core/log.ts";
import type { Clock } from "../../core/clock.ts";
import { err } from "../../core/result.ts";
import type { AuditStore } from "../audit-store.ts";
import type { FleetBoard } from "../fleet-board.ts";
import type { PendingStore } from "../pending-store.ts";
import type { PublicationStore } from "../publication-store.ts";
import type { RevocationWriter } from "../store.ts";
import { createRedisAuditStore } from "./audit-store.ts";
import { fault } from "./fault.ts";
import type { FeedKeeper } from "./feed-keeper.ts";
import { createRedisFleetBoard } from "./fleet-board.ts";
import { createRedisPendingStore } from "./pending-store.ts";
import { createRedisPublicationStore } from "./publication-store.ts";
import { answerIdempotencyKey, claimIdempotencyKey } from "./idempotency.ts";
import { listRevocations } from "./lister.ts";
import type { MarkerChanges } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { isReplicated, type AskTogether } from "./replication.ts";
import { getRevocation, liftRevocation, putRevocation } from "./writer.ts";

export interface RecordsOptions {
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly begin: () => Ask;
  readonly changes: MarkerChanges;
  readonly together: AskTogether;
}

export function recordsOf({
  keyPrefix,
  clock,
  log,
  begin,
  changes,
  together,
}: RecordsOptions): RevocationWriter & AuditStore & FleetBoard & PendingStore & PublicationStore {
  return {
    ...createRedisAuditStore(keyPrefix, begin),
    ...createRedisFleetBoard(keyPrefix, begin),
    ...createRedisPendingStore(keyPrefix, begin),
    ...createRedisPublicationStore(keyPrefix, begin),
    put: (revocation) => putRevocation(begin(), changes, keyPrefix, revocation),
    isReplicated: (stored) => isReplicated(together, keyPrefix, stored),
    lift: (id) => liftRevocation(begin(), changes, keyPrefix, id, clock.now().wallMs),
    get: (id) => getRevocation(begin(), keyPrefix, id),
    list: (query) => listRevocations(begin(), keyPrefix, query, log),
    claimIdempotencyKey: (key, print, ttlMs) => claimIdempotencyKey(begin(), keyPrefix, key, print, ttlMs),
    answerIdempotencyKey: (key, answer, ttlMs) => answerIdempotencyKey(begin(), keyPrefix, key, answer, ttlMs),
  };
}

type Records = ReturnType<typeof recordsOf>;

/** The same, acknowledged once this process could give it back to a store that loses it. */
export function keptRecords(records: Records, keeper: Pick<FeedKeeper, "untilKept">): Records {
  return {
    ...records,
    async put(revocation) {
      const stored = await records.put(revocation);
      if (!stored.ok || (await keeper.untilKept(stored.value))) return stored;
      return err(NOT_KEPT);
    },
    async lift(id) {
      const lifted = await records.lift(id);
      if (!lifted.ok || (await keeper.untilKept(undefined))) return lifted;
      return err(NOT_KEPT);
    },
  };
}

/** It may stand, and may have been told to a server that is no primary any longer. */
const NOT_KEPT = fault("timeout", "what was written does not show in the feed");
