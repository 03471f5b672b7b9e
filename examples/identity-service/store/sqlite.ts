// The store of one process: a SQLite file, or memory. Needs nothing beside Node. Every write is on disk when it resolves.
import { chmodSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Change, IdentityStore } from "./store.ts";

/** Expired rows are of no use to anybody; they are taken out so often. */
const SWEEP_EVERY_MS = 60_000;

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS entry (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at REAL NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS member (
    set_name TEXT NOT NULL, member TEXT NOT NULL, expires_at REAL NOT NULL, PRIMARY KEY (set_name, member)
  ) WITHOUT ROWID;
`;

/** SQLite has no infinity to compare with. */
const NEVER_MS = Number.MAX_SAFE_INTEGER;

/** `path` is made where it is not there, readable by this user alone; ":memory:" keeps nothing. */
export function openSqliteStore(path: string): IdentityStore {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  if (path !== ":memory:") chmodSync(path, 0o600);
  const select = database.prepare("SELECT value FROM entry WHERE key = ? AND expires_at > ?");
  const upsert = database.prepare("INSERT OR REPLACE INTO entry (key, value, expires_at) VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM entry WHERE key = ?");
  const link = database.prepare("INSERT OR REPLACE INTO member (set_name, member, expires_at) VALUES (?, ?, ?)");
  const unlink = database.prepare("DELETE FROM member WHERE set_name = ? AND member = ?");
  const selectMembers = database.prepare("SELECT member FROM member WHERE set_name = ? AND expires_at > ?");
  const sweeping = setInterval(sweep, SWEEP_EVERY_MS);
  sweeping.unref();

  function sweep(): void {
    for (const table of ["entry", "member"]) {
      database.prepare(`DELETE FROM ${table} WHERE expires_at <= ?`).run(Date.now());
    }
  }

  const read = (key: string): string | undefined => {
    const row = select.get(key, Date.now()) as { readonly value: string } | undefined;
    return row?.value;
  };

  function apply(change: Change): void {
    if ("put" in change) upsert.run(change.put, change.value, change.expiresAtMs ?? NEVER_MS);
    else if ("drop" in change) remove.run(change.drop);
    else if ("link" in change) link.run(change.link, change.member, change.expiresAtMs);
    else unlink.run(change.unlink, change.member);
  }

  function atomically<T>(work: () => T): T {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  }

  return {
    get: async (key) => read(key),
    swap: async (key, expected, value, expiresAtMs = NEVER_MS) =>
      atomically(() => {
        if (read(key) !== expected) return false;
        upsert.run(key, value, expiresAtMs);
        return true;
      }),
    async write(changes) {
      atomically(() => changes.forEach(apply));
    },
    members: async (set) =>
      (selectMembers.all(set, Date.now()) as { readonly member: string }[]).map(({ member }) => member),
    async ping() {
      read("");
    },
    async close() {
      clearInterval(sweeping);
      database.close();
    },
  };
}
