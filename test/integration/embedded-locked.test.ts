// The embedded store's file is shared: another process may take it away, write it too, damage it, or have made it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createEmbeddedStore } from "../../src/revocation/embedded/store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { newRevocation, realClock, valueOf } from "../conformance/store-suite.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";

const alice = { kind: "user", issuer: "main", id: "alice" } as const;
const KEY = "user:revoked_after:main:alice";
let directory: string;
let path: string;
let stores: RevocationStore[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "embedded-"));
  path = join(directory, "portcullis.db");
  stores = [];
});

afterEach(async () => {
  await Promise.all(stores.map((store) => store.stop()));
  await rm(directory, { recursive: true, force: true });
});

async function open(at = path): Promise<RevocationStore> {
  const store = createEmbeddedStore({ path: at, keyPrefix: "", clock: realClock });
  stores.push(store);
  await store.start();
  return store;
}

const supportFile = (name: string): string => fileURLToPath(new URL(`../support/${name}`, import.meta.url));

test("a file that another process has locked away is told as locked, soon, and is back when it lets go", async () => {
  const store = await open();
  await store.put(newRevocation(alice));
  const locker = startProcess(process.execPath, [supportFile("sqlite-locker.ts"), path]);
  try {
    await locker.line(/locked/);
    const begin = performance.now();
    const read = await store.read([KEY], 50);
    expect(performance.now() - begin).toBeLessThan(1_000);
    expect(read).toMatchObject({ ok: false, error: { cause: "locked" } });
    expect(store.health()).toMatchObject({ reachable: false, describe: expect.stringContaining("locked") });
    expect(await store.put(newRevocation(alice))).toMatchObject({ ok: false, error: { cause: "locked" } });
    const late = await open();
    expect(late.health().reachable).toBe(false);
    await locker.stop();
    expect(valueOf(await store.read([KEY], 50))).toEqual([expect.any(String)]);
    await until("the store opened meanwhile", () => late.health().reachable);
  } finally {
    await locker.stop();
  }
});

test("look-ups leave the thread to others while the file is locked", async () => {
  const store = await open();
  const other = new DatabaseSync(path);
  other.exec("BEGIN EXCLUSIVE");
  const order: string[] = [];
  const read = store.read([KEY], 50).then(() => order.push("look-up"));
  setImmediate(() => order.push("others"));
  await read;
  other.exec("ROLLBACK");
  other.close();
  expect(order).toEqual(["others", "look-up"]);
});

test("two processes write one file, and the strongest of all they wrote stands", async () => {
  const store = await open();
  const writers = [1_800_000_000, 1_900_000_000].map((first) =>
    startProcess(process.execPath, [supportFile("sqlite-writer.ts"), path, String(first), "40"]),
  );
  let answered = 0;
  while (writers.some((writer) => writer.ended() === undefined)) {
    if ((await store.read([KEY], 50)).ok) answered += 1;
    await new Promise(setImmediate); // a look-up answered at once gives the event loop no turn
  }
  for (const writer of writers) expect(writer.output()).toBe("stored 40\n");
  expect(answered).toBeGreaterThan(10);
  const [value] = valueOf(await store.read([KEY], 50));
  expect(JSON.parse(value ?? "")).toMatchObject({ seq: 80, issued_before: 1_900_000_039 });
  const query = { kind: undefined, issuer: undefined, id: undefined, limit: 10, cursor: undefined };
  expect(valueOf(await store.list(query)).items).toHaveLength(1);
}, 60_000);

test("what was acknowledged is there after the process was killed", async () => {
  const first = await open();
  const stored = valueOf(await first.put(newRevocation(alice)));
  const second = await open(); // the first never closed its file
  expect(valueOf(await second.get(stored.id))).toEqual(stored);
});

test("expired rows are cleared away, a bounded number with each write", async () => {
  const store = await open();
  for (let i = 0; i < 120; i += 1) {
    await store.put(newRevocation({ kind: "token", issuer: "main", id: `t${i}` }, { expiresAtMs: Date.now() + 150 }));
  }
  const file = new DatabaseSync(path);
  const rows = (): number => Number(file.prepare("SELECT count(*) AS n FROM marker").get()?.["n"]);
  await until("all to expire", async () => valueOf(await store.read(["revoked:jti:main:t119"], 50))[0] === null);
  await store.put(newRevocation(alice));
  await store.put(newRevocation(alice));
  await store.put(newRevocation(alice));
  expect(rows()).toBe(1);
  file.close();
});

test("a directory that is missing is a fault of the disk until it is there", async () => {
  const missing = join(directory, "later");
  const store = await open(join(missing, "portcullis.db"));
  expect(await store.read([KEY], 50)).toMatchObject({ ok: false, error: { cause: "disk" } });
  expect(await store.put(newRevocation(alice))).toMatchObject({ ok: false, error: { cause: "disk" } });
  await import("node:fs/promises").then(({ mkdir }) => mkdir(missing));
  await until("the store to be reachable", () => store.health().reachable);
  expect((await store.put(newRevocation(alice))).ok).toBe(true);
});

test("a file that is no database is a fault of the disk, and is left as it is", async () => {
  await writeFile(path, "this is not a database, but it is long enough to have a header".repeat(100));
  const store = await open();
  expect(await store.read([KEY], 50)).toMatchObject({ ok: false, error: { cause: "disk" } });
  expect(store.health()).toMatchObject({ reachable: false });
});

test("a file that a newer program made is refused, not guessed at", async () => {
  const file = new DatabaseSync(path);
  file.exec("PRAGMA user_version = 99");
  file.close();
  const store = await open();
  expect(await store.read([KEY], 50)).toMatchObject({
    ok: false,
    error: { cause: "protocol", detail: expect.stringContaining("newer") },
  });
});
