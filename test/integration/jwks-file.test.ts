// Keys in a file: found when it comes, followed however it is replaced, and kept where the new file is worse.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { jwksOf, keySourceOn, type TestKeySource } from "../support/jwks-server.ts";
import { createTestKey } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const first = JSON.stringify({ keys: jwksOf(createTestKey("ES256", "k1")) });
const second = JSON.stringify({ keys: jwksOf(createTestKey("ES256", "k2")) });
let folder: string;
let path: string;
let reader: TestKeySource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "jwks-file-"));
  path = join(folder, "jwks.json");
  reader = keySourceOn({ kind: "file", path });
});

afterEach(async () => {
  await reader.source.stop();
  await rm(folder, { recursive: true });
});

const until2 = (kid: string): Promise<unknown> => until(`key ${kid}`, () => reader.kids().includes(kid));

test("is read at start and again when it is replaced", async () => {
  await writeFile(path, first);
  await reader.source.start();
  expect(reader.kids()).toEqual(["k1"]);
  await writeFile(`${path}.new`, second);
  await rename(`${path}.new`, path);
  await until2("k2");
  expect(reader.kids()).toEqual(["k2"]);
});

test.each([
  ["half written", first.slice(0, 50)],
  ["empty", ""],
  ["without a usable key", '{"keys":[]}'],
  ["too large", " ".repeat(1024 * 1024 + 1)],
])("a bad new file keeps the old keys: %s", async (_what, text) => {
  await writeFile(path, first);
  await reader.source.start();
  await writeFile(path, text);
  await until("the bad file to be seen", () => reader.source.status().lastError !== undefined);
  expect(reader.kids()).toEqual(["k1"]);
  await writeFile(path, second);
  await until2("k2");
});

test("a file that is away at start is found when it comes", async () => {
  await reader.source.start();
  expect(reader.source.status()).toMatchObject({ hasKeys: false, lastError: "ENOENT" });
  await writeFile(path, first);
  await until2("k1");
});

test("an unknown kid has the file read at once", async () => {
  await writeFile(path, first);
  await reader.source.start();
  await writeFile(path, second);
  expect((await reader.refetch("k2")).byKid.has("k2")).toBe(true);
});

test("a directory is no file", async () => {
  reader = keySourceOn({ kind: "file", path: folder });
  await reader.source.start();
  expect(reader.source.status().lastError).toContain("no regular file");
});
