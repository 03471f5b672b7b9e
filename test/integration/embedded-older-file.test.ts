// A SQLite file that an earlier version made goes on with what is in it, and is brought to this version's tables.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createEmbeddedStore } from "../../src/revocation/embedded/store.ts";
import { newRevocation, realClock, valueOf } from "../conformance/store-suite.ts";

/** As version 1 made it, with one revocation in it. */
const VERSION_1 = `
CREATE TABLE marker (key TEXT PRIMARY KEY, value TEXT NOT NULL, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
  issuer TEXT, name TEXT, expires_at_ms INTEGER) WITHOUT ROWID;
CREATE TABLE superseded (id TEXT PRIMARY KEY, expires_at_ms INTEGER) WITHOUT ROWID;
CREATE TABLE answer (key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, answer TEXT NOT NULL,
  expires_at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE count (last_seq INTEGER NOT NULL);
INSERT INTO count VALUES (7);
INSERT INTO marker VALUES ('revoked:jti:main:old', '{"v":1,"id":"i","seq":7,"reason":"r","by":"b","at":1}', 'i', 'token',
  'main', 'old', NULL);
PRAGMA user_version = 1;
`;

let directory: string;
beforeAll(async () => void (directory = await mkdtemp(join(tmpdir(), "older-"))));
afterAll(() => rm(directory, { recursive: true, force: true }));

test("keeps its revocations, and its seq goes on", async () => {
  const path = join(directory, "older.db");
  const file = new DatabaseSync(path);
  file.exec(VERSION_1);
  file.close();
  const store = createEmbeddedStore({ path, keyPrefix: "", clock: realClock });
  await store.start();
  expect(valueOf(await store.get("i"))).toMatchObject({ seq: 7, target: { id: "old" } });
  const made = valueOf(await store.put(newRevocation({ kind: "token", issuer: "main", id: "new" })));
  expect(made.seq).toBe(8);
  expect(valueOf(await store.eventsAfter(7, 0)).entries.map(({ event }) => event.id)).toEqual([made.id]);
  await store.stop();
});
