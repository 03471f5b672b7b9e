// A store whose revocations are written down in a system of record first, so that they outlive the store's loss. What a
// Check is told still comes from the store alone.

import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { markerKey } from "../keys.ts";
import { markerValue } from "../marker.ts";
import type { RevocationStore } from "../revocation-store.ts";
import type { LiftRefusal, NewRevocation, StoredRevocation, StoreFault } from "../store.ts";
import { laterExpiry, strengthened } from "../strengthen.ts";
import type { RecordDatabase } from "./database.ts";
import type { Reconciler } from "./reconciler.ts";
import { isLive, lockTarget, rowOf, rowWithId, writeLifted, writeRow, type RecordRow } from "./rows.ts";

export interface RecordedStoreOptions {
  readonly store: RevocationStore;
  readonly database: RecordDatabase;
  readonly reconciler: Reconciler;
  readonly keyPrefix: string;
  readonly clock: Clock;
}

/** `store`, with its writes recorded first. Stops the database with itself. */
export function createRecordedStore(options: RecordedStoreOptions): RevocationStore {
  const { store, database, reconciler } = options;
  return {
    ...store,
    async start() {
      await store.start();
      reconciler.start();
    },
    async stop() {
      await reconciler.stop();
      await Promise.all([store.stop(), database.stop()]);
    },
    put: (revocation) => put(options, revocation),
    lift: (id) => lift(options, id),
  };
}

/**
 * Recorded durably, then stored, both under the target's lock. If it ends between the two, it is in force once the
 * reconciler has come by, though nobody was told: more refused, never less.
 */
async function put(
  { store, database, keyPrefix, clock }: RecordedStoreOptions,
  revocation: NewRevocation,
): Promise<Result<StoredRevocation, StoreFault>> {
  const key = markerKey(keyPrefix, revocation.target);
  const recorded = await database.transaction<undefined, StoreFault>(async (client) => {
    await lockTarget(client, key);
    const row = await rowOf(client, keyPrefix, revocation.target);
    await writeRow(client, keyPrefix, joined(revocation, row, clock.now().wallMs));
    return ok(undefined);
  });
  if (!recorded.ok) return recorded;
  return database.transaction<StoredRevocation, StoreFault>(async (client) => {
    await lockTarget(client, key);
    // Somebody may have come between: then this one follows that one, and its row, too.
    const row = await rowOf(client, keyPrefix, revocation.target);
    const stored = await store.put(revocation);
    if (!stored.ok) return stored;
    const { seq } = stored.value;
    await writeRow(client, keyPrefix, { ...joined(stored.value, row, clock.now().wallMs), seq });
    return stored;
  });
}

/** What the record says of a target after `revocation`: never less than what it said before. */
function joined(revocation: NewRevocation, row: RecordRow | undefined, nowMs: number): StoredRevocation {
  if (row === undefined || !isLive(row, nowMs)) return { ...revocation, seq: undefined };
  const expiresAtMs = laterExpiry(revocation.expiresAtMs, row.revocation.expiresAtMs);
  return strengthened(revocation, undefined, markerValue(row.revocation), expiresAtMs);
}

/** Under the same lock as every repair, so that nothing lifted comes back. */
async function lift(
  { store, database, keyPrefix, clock }: RecordedStoreOptions,
  id: string,
): Promise<Result<StoredRevocation, LiftRefusal>> {
  return database.transaction<StoredRevocation, LiftRefusal>(async (client) => {
    const found = await rowWithId(client, keyPrefix, id);
    if (found === undefined) return store.lift(id); // another's: the store alone knows it
    await lockTarget(client, found.key);
    const row = await rowWithId(client, keyPrefix, id);
    if (row === undefined) return err({ cause: "superseded" });
    const nowMs = clock.now().wallMs;
    if (!isLive(row, nowMs)) return store.lift(id);
    const lifted = await store.lift(id);
    // The store has lost it, and would be given it back.
    const isLost = !lifted.ok && lifted.error.cause === "not_found";
    if (!lifted.ok && !isLost) return lifted;
    await writeLifted(client, keyPrefix, id, nowMs);
    return lifted.ok ? lifted : ok(row.revocation);
  });
}
