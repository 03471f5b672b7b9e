// The rows of the record: what a target was last revoked with, and whether that was lifted. It never asks the store.

import type { PoolClient } from "pg";
import type { Target, TargetKind } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import type { StoredRevocation } from "../store.ts";

export interface RecordRow {
  /** `seq` is undefined until the store has said what it stored. */
  readonly revocation: StoredRevocation;
  /** The marker's key, prefix included. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly liftedAtMs: number | undefined;
}

interface WrittenRow {
  readonly marker: string;
  readonly id: string;
  readonly kind: TargetKind;
  readonly issuer: string | null;
  readonly name: string | null;
  readonly reason: string;
  readonly by_whom: string;
  /** int8 comes as text. */
  readonly at_ms: string;
  readonly issued_before_s: number | null;
  readonly expires_at_ms: string | null;
  readonly seq: string | null;
  readonly lifted_at_ms: string | null;
}

/** What was lifted is known for this long if it had no end of its own, in case the store comes back from an older copy. */
const KEEP_LIFTED_MS = 7 * 86_400_000;

/** One target's turn among all control planes, until the transaction ends: as good as its row's lock before there is one. */
export async function lockTarget(client: PoolClient, key: string): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 20))", [key]);
}

export async function rowOf(client: PoolClient, keyPrefix: string, target: Target): Promise<RecordRow | undefined> {
  const { rows } = await client.query<WrittenRow>(
    "SELECT * FROM portcullis_revocations WHERE key_prefix = $1 AND marker = $2",
    [keyPrefix, markerKey("", target)],
  );
  return rows[0] === undefined ? undefined : rowFrom(keyPrefix, rows[0]);
}

export async function rowWithId(client: PoolClient, keyPrefix: string, id: string): Promise<RecordRow | undefined> {
  const { rows } = await client.query<WrittenRow>(
    "SELECT * FROM portcullis_revocations WHERE key_prefix = $1 AND id = $2",
    [keyPrefix, id],
  );
  return rows[0] === undefined ? undefined : rowFrom(keyPrefix, rows[0]);
}

/** Up to `count` rows that have not expired, lifted ones included, in the order of their markers. */
export async function rowsAfter(
  client: PoolClient,
  keyPrefix: string,
  after: RecordRow | undefined,
  count: number,
  nowMs: number,
): Promise<readonly RecordRow[]> {
  const { rows } = await client.query<WrittenRow>(
    `SELECT * FROM portcullis_revocations
     WHERE key_prefix = $1 AND marker > $2 AND (expires_at_ms IS NULL OR expires_at_ms > $3)
     ORDER BY marker LIMIT $4`,
    [keyPrefix, after === undefined ? "" : markerKey("", after.revocation.target), nowMs, count],
  );
  return rows.map((row) => rowFrom(keyPrefix, row));
}

/** Makes `revocation` what its target was last revoked with, live. */
export async function writeRow(client: PoolClient, keyPrefix: string, revocation: StoredRevocation): Promise<void> {
  const { id, target, reason, by, atMs, issuedBeforeS, expiresAtMs, seq } = revocation;
  await client.query(
    `INSERT INTO portcullis_revocations
       (key_prefix, marker, id, kind, issuer, name, reason, by_whom, at_ms, issued_before_s, expires_at_ms, seq)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
     ON CONFLICT (key_prefix, marker) DO UPDATE SET
       id = EXCLUDED.id, reason = EXCLUDED.reason, by_whom = EXCLUDED.by_whom, at_ms = EXCLUDED.at_ms,
       issued_before_s = EXCLUDED.issued_before_s, expires_at_ms = EXCLUDED.expires_at_ms, seq = EXCLUDED.seq,
       lifted_at_ms = NULL`,
    [
      keyPrefix,
      markerKey("", target),
      id,
      target.kind,
      "issuer" in target ? target.issuer : null,
      "id" in target ? target.id : null,
      reason,
      by,
      atMs,
      issuedBeforeS ?? null,
      expiresAtMs ?? null,
      seq ?? null,
    ],
  );
}

export async function writeLifted(client: PoolClient, keyPrefix: string, id: string, atMs: number): Promise<void> {
  await client.query("UPDATE portcullis_revocations SET lifted_at_ms = $3 WHERE key_prefix = $1 AND id = $2", [
    keyPrefix,
    id,
    atMs,
  ]);
}

/** Forgets what can no longer come back. */
export async function pruneRows(client: PoolClient, keyPrefix: string, nowMs: number): Promise<void> {
  await client.query(
    `DELETE FROM portcullis_revocations WHERE key_prefix = $1
     AND (expires_at_ms <= $2 OR (expires_at_ms IS NULL AND lifted_at_ms <= $3))`,
    [keyPrefix, nowMs, nowMs - KEEP_LIFTED_MS],
  );
}

/** Whether its revocation is in force at `nowMs`, epoch milliseconds. */
export function isLive({ revocation, liftedAtMs }: RecordRow, nowMs: number): boolean {
  return liftedAtMs === undefined && (revocation.expiresAtMs === undefined || revocation.expiresAtMs > nowMs);
}

function rowFrom(keyPrefix: string, row: WrittenRow): RecordRow {
  return {
    key: keyPrefix + row.marker,
    liftedAtMs: integer(row.lifted_at_ms),
    revocation: {
      id: row.id,
      target: targetFrom(row),
      reason: row.reason,
      by: row.by_whom,
      atMs: Number(row.at_ms),
      issuedBeforeS: row.issued_before_s ?? undefined,
      expiresAtMs: integer(row.expires_at_ms),
      seq: integer(row.seq),
    },
  };
}

function integer(text: string | null): number | undefined {
  return text === null ? undefined : Number(text);
}

function targetFrom({ kind, issuer, name }: WrittenRow): Target {
  if (kind === "everything") return { kind };
  return kind === "issuer" ? { kind, issuer: issuer ?? "" } : { kind, issuer: issuer ?? "", id: name ?? "" };
}
