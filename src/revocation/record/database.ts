// Connections to PostgreSQL, the table, and transactions with a bound on every wait. It knows nothing of revocations.

import { Pool, type PoolClient } from "pg";
import type { Log } from "../../core/log.ts";
import { err, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { recordFault } from "./fault.ts";

export interface RecordDatabaseOptions {
  /** `postgres://user:password@host:port/database`, with libpq's `sslmode` and `application_name` where wanted. */
  readonly url: string;
  readonly log: Pick<Log, "info" | "warn">;
  /** Called when it begins or ceases to answer. */
  readonly onUp: (up: boolean) => void;
}

export interface RecordDatabase {
  /**
   * Runs `work` in one transaction, which is committed if `work` gives a value, and undone if it gives a fault or
   * throws. An `ok` means that the commit was acknowledged.
   */
  transaction<T, F>(work: (client: PoolClient) => Promise<Result<T, F>>): Promise<Result<T, F | StoreFault>>;
  stop(): Promise<void>;
}

const MAX_CONNECTIONS = 16;
/** Of a connection to be made or to become free. */
const CONNECT_TIMEOUT_MS = 2_000;
/** Of one statement: each touches a row, or a page of a thousand. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** For another control plane to be done with the same target. */
const LOCK_TIMEOUT_MS = 3_000;
/** A process that was suspended holds its target's lock for no longer; the store answers in far less. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;

/**
 * One row a target: what it was revoked with last. `marker` is the key without its prefix, so of bounded length.
 * `seq` is null until the store has said what it stored, `lifted_at_ms` until it was lifted.
 */
const TABLE = `
CREATE TABLE IF NOT EXISTS portcullis_revocations (
  key_prefix text NOT NULL,
  marker text NOT NULL,
  id text NOT NULL,
  kind text NOT NULL,
  issuer text,
  name text,
  reason text NOT NULL,
  by_whom text NOT NULL,
  at_ms bigint NOT NULL,
  issued_before_s double precision,
  expires_at_ms bigint,
  seq bigint,
  lifted_at_ms bigint,
  PRIMARY KEY (key_prefix, marker)
);
CREATE INDEX IF NOT EXISTS portcullis_revocations_id ON portcullis_revocations (key_prefix, id);
`;
/** Two that begin at once must not both create it. Any number that nobody else uses. */
const LOCK_OF_TABLE = 7_021_911_344_120;

export function createRecordDatabase({ url, log, onUp }: RecordDatabaseOptions): RecordDatabase {
  const pool = new Pool({
    connectionString: url,
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + CONNECT_TIMEOUT_MS, // of a server that has gone silent
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    application_name: "portcullis-control",
    keepAlive: true,
  });
  // An idle connection's end is no news, but without a listener it would end the process.
  pool.on("error", () => undefined);
  let hasTable = false;
  let up: boolean | undefined;

  function told(fault: StoreFault | undefined): void {
    const isUp = fault === undefined;
    if (up === isUp) return;
    up = isUp;
    onUp(isUp);
    if (isUp) log.info("record_up");
    else log.warn("record_down", { cause: fault.cause, detail: fault.detail });
  }

  async function connected(): Promise<PoolClient> {
    const client = await pool.connect();
    if (hasTable) return client;
    try {
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock($1)", [LOCK_OF_TABLE]);
      await client.query(TABLE);
      await client.query("COMMIT");
    } catch (error) {
      client.release(true);
      throw error;
    }
    hasTable = true;
    return client;
  }

  return {
    async transaction(work) {
      let client: PoolClient | undefined;
      try {
        client = await connected();
        await client.query("BEGIN");
        const outcome = await work(client);
        await client.query(outcome.ok ? "COMMIT" : "ROLLBACK");
        client.release();
        told(undefined);
        return outcome;
      } catch (error) {
        client?.release(true); // whatever its transaction did is undone with it
        const fault = recordFault(error);
        if (fault.cause !== "locked") told(fault);
        return err(fault);
      }
    },
    async stop() {
      await pool.end();
    },
  };
}
