// The `record` setting: where it may stand, which URLs are one, and that its password is never shown.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatConfig } from "../../../src/config/format.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { MINIMAL, problemsWith } from "./support.ts";

describe("the system of record", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "record-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const load = (more: string): ReturnType<typeof loadConfig> =>
    loadConfig(join(folder, "portcullis.yaml"), `${MINIMAL}\n${more}`, {});

  it("is none unless named", () => {
    const loaded = load("");
    expect(loaded.ok && loaded.value.config.recordUrl).toBe(undefined);
  });

  it.each(["postgres://u:secret@h/db", "postgresql://h:5432/db?sslmode=verify-full"])("may be %s", (url) => {
    const loaded = load(`record: "${url}"`);
    expect(loaded.ok && loaded.value.config.recordUrl).toBe(url);
  });

  it.each(["mysql://h/db", "postgres://h", "postgres:///", "postgres://h/db#x", "postgres://h /db", "yes"])(
    "may not be %s",
    (url) => expect(problemsWith(`record: "${url}"`)).toEqual(["record  is no URL of a PostgreSQL"]),
  );

  it("may stand in a file of its own, and only in one of the two places", () => {
    writeFileSync(join(folder, "url"), "postgres://u:secret@h/db\n");
    writeFileSync(join(folder, "bad"), "secret\n");
    const loaded = load("recordFile: url");
    expect(loaded.ok && loaded.value.config.recordUrl).toBe("postgres://u:secret@h/db");
    const both = load('record: "postgres://h/db"\nrecordFile: url');
    expect(!both.ok && both.error.map(({ path, problem }) => [path, problem])).toEqual([
      ["recordFile", "stands beside record"],
    ]);
    const bad = load("recordFile: bad");
    expect(!bad.ok && bad.error.map(({ path, problem }) => [path, problem])).toEqual([
      ["recordFile", "is no URL of a PostgreSQL"],
    ]);
  });

  it("is shown without its password", () => {
    const loaded = load("record: postgres://u:secret@h/db");
    expect(loaded.ok && formatConfig(loaded.value.config)).toContain("record: postgres://***@h/db");
  });
});
