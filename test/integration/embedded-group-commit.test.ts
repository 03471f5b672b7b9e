// Writes that come together share a commit of the SQLite file: told after it, in order, and none for another's fault.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDatabase, type Database } from "../../src/revocation/embedded/database.ts";
import { createGroupCommit } from "../../src/revocation/embedded/group-commit.ts";
import type { Statements } from "../../src/revocation/embedded/schema.ts";
import { realClock } from "../support/control-plane.ts";

let folder: string;
let database: Database;
let other: DatabaseSync;
let transactionCount: number;
let write: ReturnType<typeof createGroupCommit>;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "group-commit-"));
  const path = join(folder, "store.db");
  database = createDatabase(path, realClock);
  database.run(() => undefined);
  other = new DatabaseSync(path, { timeout: 0 });
  transactionCount = 0;
  write = createGroupCommit(async (work) => {
    transactionCount += 1;
    return database.write((sql) => work(sql, Date.now()));
  }, realClock);
});
afterEach(() => {
  other.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const END = 4_102_444_800_000;
const keep =
  (key: string) =>
  (sql: Statements): string => {
    sql.putAnswer.run({ key, fingerprint: "f", answer: "a", expiresAtMs: END });
    return key;
  };
const kept = (): readonly unknown[] =>
  other
    .prepare("SELECT key FROM answer ORDER BY key")
    .all()
    .map(({ key }) => key);
const keys = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => String(1_000 + i));

test("many at once take few commits, and each is told when another process can read it, in order", async () => {
  const told: string[] = [];
  const all = keys(200);
  await Promise.all(
    all.map(async (key) => {
      const done = await write(keep(key));
      expect(done).toEqual({ ok: true, value: key });
      expect(kept()).toContain(key);
      told.push(key);
    }),
  );
  expect(told).toEqual(all);
  expect(transactionCount).toBeLessThan(100);
});

test("one that fails takes no other with it, and nothing of it is kept", async () => {
  const failing = (sql: Statements): never => {
    keep("broken")(sql);
    throw new Error("a bug");
  };
  const [before, broken, after] = await Promise.all([write(keep("1")), write(failing), write(keep("2"))]);
  expect([before?.ok, broken?.ok, after?.ok]).toEqual([true, false, true]);
  expect(kept()).toEqual(["1", "2"]);
});

test("where the file is locked all are told so, and nothing is kept", async () => {
  other.exec("BEGIN EXCLUSIVE");
  const outcomes = await Promise.all(keys(5).map((key) => write(keep(key))));
  other.exec("ROLLBACK");
  expect(outcomes.map((outcome) => !outcome.ok && outcome.error.cause)).toEqual(Array(5).fill("locked"));
  expect(kept()).toEqual([]);
  expect(await write(keep("later"))).toEqual({ ok: true, value: "later" });
});

test("a commit that is refused, for another process reads, keeps nothing and is told", async () => {
  const reading = other.prepare("SELECT key FROM answer");
  other.exec("BEGIN");
  reading.all();
  const outcomes = await Promise.all(keys(3).map((key) => write(keep(key))));
  other.exec("ROLLBACK");
  expect(outcomes.map((outcome) => !outcome.ok && outcome.error.cause)).toEqual(Array(3).fill("locked"));
  expect(kept()).toEqual([]);
});

test("a long queue gives way to others of this thread", async () => {
  let isHeard = false;
  const slow = (sql: Statements): void => {
    const untilMs = performance.now() + 15; // longer than one transaction may hold the thread
    while (performance.now() < untilMs);
    keep("slow")(sql);
  };
  const first = write(slow);
  const last = Promise.all([write(slow), write(slow), write(slow)]);
  void first.then(() => setImmediate(() => (isHeard = true)));
  await last;
  expect(isHeard).toBe(true);
  expect(transactionCount).toBe(4);
});

test("after a commit that took long the file is left alone for a while", async () => {
  const freeForMs: number[] = [];
  let endedAtMs = performance.now();
  const turns = createGroupCommit(async (work) => {
    freeForMs.push(performance.now() - endedAtMs);
    const done = database.write((sql) => work(sql, Date.now()));
    await new Promise((resolve) => setTimeout(resolve, 100)); // of a slow disk
    endedAtMs = performance.now();
    return done;
  }, realClock);
  for (const key of keys(3)) await turns(keep(key));
  expect(Math.min(...freeForMs.slice(1))).toBeGreaterThanOrEqual(19);
});
