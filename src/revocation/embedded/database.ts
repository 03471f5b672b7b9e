// One SQLite file, opened when it is first needed and again after a failure: a file that is away, locked or damaged is
// a fault of this moment, never an exception. What is in it, schema.ts tells.

import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../core/clock.ts";
import type { UnknownCause } from "../../core/evidence.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { ensureSchema, prepareStatements, type Statements } from "./schema.ts";

export interface Database {
  /** Runs `work` on the open file. A SQLite error is a fault; after one that is not a lock, the file is opened anew. */
  run<T>(work: (statements: Statements) => T): Result<T, StoreFault>;
  /** As `run`, in one transaction that holds the write lock from its beginning. */
  write<T>(work: (statements: Statements) => T): Result<T, StoreFault>;
  close(): void;
}

/** SQLite's primary result codes (sqlite.org/rescode.html); the low byte of the extended ones. */
const CAUSE_OF_CODE: Readonly<Record<number, UnknownCause>> = {
  5: "locked", // SQLITE_BUSY
  6: "locked", // SQLITE_LOCKED
  8: "read_only", // SQLITE_READONLY
  10: "disk", // SQLITE_IOERR
  11: "disk", // SQLITE_CORRUPT
  13: "disk", // SQLITE_FULL
  14: "disk", // SQLITE_CANTOPEN
  26: "disk", // SQLITE_NOTADB
};

/** A file that would not open is not tried again for every Check: a lock may be over in a moment, nothing else is. */
const REOPEN_AFTER_MS = 250;
const REOPEN_LOCKED_AFTER_MS = 2;

interface Opened {
  readonly file: DatabaseSync;
  readonly statements: Statements;
}

export function createDatabase(path: string, clock: Clock): Database {
  let opened: Opened | undefined;
  let refusal: { readonly fault: StoreFault; readonly tillMs: number } | undefined;

  function run<T>(work: (statements: Statements) => T): Result<T, StoreFault> {
    const nowMs = clock.now().monotonicMs;
    if (opened === undefined && refusal !== undefined && nowMs < refusal.tillMs) return err(refusal.fault);
    try {
      opened ??= open(path);
      refusal = undefined;
      return ok(work(opened.statements));
    } catch (error) {
      const fault = faultOf(error);
      const isLocked = fault.cause === "locked";
      if (opened === undefined)
        refusal = { fault, tillMs: nowMs + (isLocked ? REOPEN_LOCKED_AFTER_MS : REOPEN_AFTER_MS) };
      else if (!isLocked) close();
      return err(fault);
    }
  }

  function close(): void {
    const last = opened;
    opened = undefined;
    last?.file.close();
  }

  return {
    run,
    write(work) {
      return run((statements) => {
        const { file } = opened as Opened;
        file.exec("BEGIN IMMEDIATE");
        try {
          const done = work(statements);
          file.exec("COMMIT");
          return done;
        } catch (error) {
          if (file.isTransaction) file.exec("ROLLBACK"); // some errors have rolled back already
          throw error;
        }
      });
    },
    close,
  };
}

/**
 * For its owner alone: it holds subjects and reasons. SQLite gives the journal the mode of the file
 * (sqlite/src/os_unix.c, findCreateFileMode).
 */
const FILE_MODE = 0o600;

function open(path: string): Opened {
  createPrivate(path);
  // No busy time-out: SQLite would sleep in it on our one thread.
  const file = new DatabaseSync(path, { timeout: 0 });
  try {
    // A rollback journal: with a write-ahead log one process could go on reading what another has locked away.
    file.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA;");
    ensureSchema(file);
    return { file, statements: prepareStatements(file) };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** An empty file is an empty database. One that is there keeps its mode: somebody may have chosen it. */
function createPrivate(path: string): void {
  try {
    // Exclusively: to open and close a file of SQLite's would let go of its locks (sqlite.org/howtocorrupt.html, 2.2).
    closeSync(openSync(path, "wx", FILE_MODE));
  } catch {
    // It is there, or cannot be made, which SQLite will say with a code.
  }
}

function faultOf(error: unknown): StoreFault {
  if (!(error instanceof Error)) return { cause: "protocol", detail: "failed without an error" };
  const code = "errcode" in error && typeof error.errcode === "number" ? error.errcode : undefined;
  if (code === undefined) return { cause: "protocol", detail: error.message };
  return { cause: CAUSE_OF_CODE[code & 0xff] ?? "protocol", detail: `SQLite result code ${code}` };
}
