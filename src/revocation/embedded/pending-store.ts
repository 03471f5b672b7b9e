// What waits for approval, in the SQLite file.

import type { SQLOutputValue } from "node:sqlite";
import type { Result } from "../../core/result.ts";
import { MAX_PENDING, type PendingRequest, type PendingStore } from "../pending-store.ts";
import type { StoreFault } from "../store.ts";
import type { Statements } from "./schema.ts";

/** Runs work on the open file; `now` is in epoch milliseconds. */
type Run = <T>(work: (sql: Statements, now: number) => T) => Promise<Result<T, StoreFault>>;

export function createEmbeddedPendingStore(read: Run, write: Run): PendingStore {
  return {
    addPending: (id, text, ttlMs) =>
      write((sql, now) => {
        sql.purgePending.run({ now });
        return pendingOfRow(sql.putPending.get({ id, text, expiresAtMs: now + ttlMs, max: MAX_PENDING }));
      }),
    pending: () =>
      read((sql, now) =>
        sql.pending
          .all({ now })
          .map(pendingOfRow)
          .filter((request) => request !== undefined),
      ),
    pendingById: (id) => read((sql, now) => pendingOfRow(sql.pendingById.get({ id, now }))),
    takePending: (id) => write((sql, now) => pendingOfRow(sql.takePending.get({ id, now }))),
  };
}

function pendingOfRow(row: Record<string, SQLOutputValue> | undefined): PendingRequest | undefined {
  if (row === undefined) return undefined;
  return { id: String(row["id"]), text: String(row["text"]), expiresAtMs: Number(row["expires_at_ms"]) };
}
