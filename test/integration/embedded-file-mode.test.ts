// The SQLite file holds subjects and reasons: nobody else on the machine may read it, nor its journal.

import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEmbeddedStore } from "../../src/revocation/embedded/store.ts";
import { newRevocation, realClock, valueOf } from "../conformance/store-suite.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "embedded-mode-"));
  path = join(directory, "portcullis.db");
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function modeOf(file: string): Promise<string> {
  return ((await stat(file)).mode & 0o777).toString(8);
}

async function revokeOnce(): Promise<void> {
  const store = createEmbeddedStore({ path, keyPrefix: "", clock: realClock });
  await store.start();
  valueOf(await store.put(newRevocation({ kind: "user", issuer: "main", id: "alice" })));
  await store.stop();
}

test("a new file, and the journal of a write to it, are for their owner alone", async () => {
  await revokeOnce();
  expect(await modeOf(path)).toBe("600");
  const other = new DatabaseSync(path);
  try {
    other.exec("BEGIN IMMEDIATE; UPDATE count SET last_seq = last_seq + 1;");
    expect((await readdir(directory)).toSorted()).toEqual(["portcullis.db", "portcullis.db-journal"]);
    expect(await modeOf(`${path}-journal`)).toBe("600");
    other.exec("ROLLBACK");
  } finally {
    other.close();
  }
});

test("a file that is there keeps the mode that somebody gave it", async () => {
  await writeFile(path, "", { mode: 0o640 });
  const before = await modeOf(path);
  await revokeOnce();
  expect(await modeOf(path)).toBe(before);
});
