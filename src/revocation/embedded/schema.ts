// What is in the SQLite file: its tables, and every statement that is ever run on them. Nothing else knows either.

import type { DatabaseSync, StatementSync } from "node:sqlite";

/** What each version adds to the one before it. A file is brought to the last; none is ever changed. */
const VERSIONS: readonly string[] = [
  `
CREATE TABLE marker (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  issuer TEXT,
  name TEXT,
  expires_at_ms INTEGER
) WITHOUT ROWID;
CREATE INDEX marker_expiry ON marker (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE TABLE superseded (id TEXT PRIMARY KEY, expires_at_ms INTEGER) WITHOUT ROWID;
CREATE INDEX superseded_expiry ON superseded (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
CREATE TABLE answer (
  key TEXT PRIMARY KEY,
  fingerprint TEXT NOT NULL,
  answer TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX answer_expiry ON answer (expires_at_ms);
CREATE TABLE count (last_seq INTEGER NOT NULL);
INSERT INTO count VALUES (0);
`,
  `
CREATE TABLE event (
  seq INTEGER PRIMARY KEY,
  link TEXT NOT NULL,
  previous_link TEXT NOT NULL,
  event TEXT NOT NULL
);
ALTER TABLE count ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
ALTER TABLE count ADD COLUMN link TEXT NOT NULL DEFAULT '';
UPDATE count SET epoch = lower(hex(randomblob(12)));
`,
  `
CREATE TABLE audit (chain INTEGER, seq INTEGER, text TEXT NOT NULL, mac TEXT NOT NULL, PRIMARY KEY (chain, seq)) WITHOUT ROWID;
CREATE TABLE audit_head (chain INTEGER PRIMARY KEY, seq INTEGER NOT NULL, mac TEXT NOT NULL, checkpoint TEXT NOT NULL);
CREATE TABLE audit_key (one INTEGER PRIMARY KEY CHECK (one = 1), key TEXT NOT NULL);
`,
  `
CREATE TABLE sidecar (id TEXT PRIMARY KEY, report TEXT NOT NULL, last_seen_ms INTEGER NOT NULL) WITHOUT ROWID;
`,
  `
CREATE TABLE pending (id TEXT PRIMARY KEY, text TEXT NOT NULL, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
`,
  `
CREATE TABLE question (question TEXT PRIMARY KEY, expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
`,
  `
CREATE TABLE publication (holder TEXT, until_ms INTEGER, epoch TEXT, seq INTEGER, link TEXT);
INSERT INTO publication VALUES (NULL, NULL, NULL, NULL, NULL);
`,
];

const LIVE = "(expires_at_ms IS NULL OR expires_at_ms > :now)";
const purge = (table: string, key: string): string =>
  `DELETE FROM ${table} WHERE ${key} IN
   (SELECT ${key} FROM ${table} WHERE expires_at_ms <= :now LIMIT :most)`;

type StatementName =
  | "values"
  | "byKey"
  | "byId"
  | "page"
  | "putMarker"
  | "deleteMarker"
  | "supersede"
  | "isSuperseded"
  | "nextSeq"
  | "answer"
  | "putAnswer"
  | "deleteAnswer"
  | "head"
  | "setLink"
  | "events"
  | "putEvent"
  | "purgeEvents"
  | "audit"
  | "putAudit"
  | "dropAudit"
  | "auditHeads"
  | "putAuditHead"
  | "auditKey"
  | "putAuditKey"
  | "sidecar"
  | "sidecars"
  | "putSidecar"
  | "purgeSidecars"
  | "questions"
  | "putQuestion"
  | "purgeQuestions"
  | "pending"
  | "pendingById"
  | "putPending"
  | "takePending"
  | "purgePending"
  | "publication"
  | "takeTurn"
  | "published"
  | "endTurn"
  | "purgeMarkers"
  | "purgeSuperseded"
  | "purgeAnswers";

const SQL: Readonly<Record<StatementName, string>> = {
  // One statement for any number of keys: one lock, one moment, and nothing to compile on the way.
  values: `SELECT key, value FROM marker WHERE key IN (SELECT value FROM json_each(:keys)) AND ${LIVE}`,
  byKey: `SELECT * FROM marker WHERE key = :key AND ${LIVE}`,
  byId: `SELECT * FROM marker WHERE id = :id AND ${LIVE}`,
  page: `SELECT * FROM marker WHERE key > :after AND ${LIVE}
    AND (:kind IS NULL OR kind = :kind) AND (:issuer IS NULL OR issuer = :issuer) AND (:name IS NULL OR name = :name)
    ORDER BY key LIMIT :limit`,
  putMarker: `INSERT OR REPLACE INTO marker VALUES (:key, :value, :id, :kind, :issuer, :name, :expiresAtMs)`,
  deleteMarker: `DELETE FROM marker WHERE key = :key`,
  supersede: `INSERT OR REPLACE INTO superseded VALUES (:id, :expiresAtMs)`,
  isSuperseded: `SELECT 1 FROM superseded WHERE id = :id AND ${LIVE}`,
  nextSeq: `UPDATE count SET last_seq = last_seq + 1 RETURNING last_seq AS seq`,
  answer: `SELECT fingerprint, answer FROM answer WHERE key = :key AND expires_at_ms > :now`,
  putAnswer: `INSERT OR REPLACE INTO answer VALUES (:key, :fingerprint, :answer, :expiresAtMs)`,
  deleteAnswer: `DELETE FROM answer WHERE key = :key`,
  head: `SELECT last_seq, epoch, link FROM count`,
  setLink: `UPDATE count SET link = :link`,
  events: `SELECT * FROM event WHERE seq > :seq ORDER BY seq LIMIT :limit`,
  putEvent: `INSERT INTO event VALUES (:seq, :link, :previousLink, :event)`,
  purgeEvents: `DELETE FROM event WHERE seq <= :upTo`,
  audit: `SELECT seq, text, mac FROM audit WHERE chain = :chain AND seq BETWEEN :from AND :upTo ORDER BY seq`,
  putAudit: `INSERT INTO audit VALUES (:chain, :seq, :text, :mac)`,
  dropAudit: `DELETE FROM audit WHERE chain = :chain AND seq <= :upTo`,
  auditHeads: `SELECT * FROM audit_head`,
  putAuditHead: `INSERT OR REPLACE INTO audit_head VALUES (:chain, :seq, :mac, :checkpoint)`,
  auditKey: `SELECT key FROM audit_key`,
  putAuditKey: `INSERT OR IGNORE INTO audit_key VALUES (1, :key)`,
  sidecar: `SELECT report FROM sidecar WHERE id = :id`,
  sidecars: `SELECT report, last_seen_ms FROM sidecar WHERE last_seen_ms >= :sinceMs`,
  putSidecar: `INSERT OR REPLACE INTO sidecar SELECT :id, :report, :now
    WHERE EXISTS (SELECT 1 FROM sidecar WHERE id = :id) OR (SELECT count(*) FROM sidecar) < :max`,
  purgeSidecars: `DELETE FROM sidecar WHERE last_seen_ms < :sinceMs`,
  questions: `SELECT question FROM question WHERE expires_at_ms > :now`,
  putQuestion: `INSERT INTO question SELECT :question, :expiresAtMs WHERE (SELECT count(*) FROM question) < :max`,
  purgeQuestions: `DELETE FROM question WHERE expires_at_ms <= :now`,
  pending: `SELECT * FROM pending WHERE expires_at_ms > :now ORDER BY expires_at_ms, id`,
  pendingById: `SELECT * FROM pending WHERE id = :id AND expires_at_ms > :now`,
  putPending: `INSERT INTO pending SELECT :id, :text, :expiresAtMs
    WHERE (SELECT count(*) FROM pending) < :max RETURNING *`,
  takePending: `DELETE FROM pending WHERE id = :id AND expires_at_ms > :now RETURNING *`,
  purgePending: `DELETE FROM pending WHERE expires_at_ms <= :now`,
  publication: `SELECT * FROM publication`,
  takeTurn: `UPDATE publication SET holder = :holder, until_ms = :untilMs`,
  published: `UPDATE publication SET epoch = :epoch, seq = :seq, link = :link WHERE holder = :holder`,
  endTurn: `UPDATE publication SET holder = NULL, until_ms = NULL WHERE holder = :holder`,
  purgeMarkers: purge("marker", "key"),
  purgeSuperseded: purge("superseded", "id"),
  purgeAnswers: purge("answer", "key"),
};

export type Statements = Readonly<Record<StatementName, StatementSync>>;

export function prepareStatements(file: DatabaseSync): Statements {
  const prepare = ([name, sql]: [string, string]): [string, StatementSync] => {
    const statement = file.prepare(sql);
    statement.setAllowUnknownNamedParameters(true);
    return [name, statement];
  };
  return Object.fromEntries(Object.entries(SQL).map(prepare)) as Record<StatementName, StatementSync>;
}

/** Makes the tables that a new or older file lacks. Throws for a file that a newer program made: its rows might mean more than we know. */
export function ensureSchema(file: DatabaseSync): void {
  if (schemaVersion(file) === VERSIONS.length) return;
  file.exec("BEGIN IMMEDIATE");
  try {
    // Asked again under the lock: another process may have made it meanwhile.
    const version = schemaVersion(file);
    if (version > VERSIONS.length) throw new Error(`schema version ${version} is newer than this program's`);
    for (const change of VERSIONS.slice(version)) file.exec(change);
    file.exec(`PRAGMA user_version = ${VERSIONS.length}`);
    file.exec("COMMIT");
  } catch (error) {
    if (file.isTransaction) file.exec("ROLLBACK");
    throw error;
  }
}

function schemaVersion(file: DatabaseSync): number {
  return Number(file.prepare("PRAGMA user_version").get()?.["user_version"]);
}
