// The command line from outside: what each command prints where, and its exit code.

import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const LAUNCHER = new URL("../../bin/portcullis", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "portcullis-cli-"));
afterAll(() => rmSync(folder, { recursive: true }));

const GOOD = `issuers:
  - issuer: https://id.example.com
    jwks: { url: https://id.example.com/jwks }
    audiences: [orders-api]
`;

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function portcullis(...args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      LAUNCHER,
      args,
      { cwd: folder, env: { ...process.env, NO_COLOR: "1" }, maxBuffer: 1 << 24 },
      (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      },
    );
  });
}

describe("the command line", () => {
  it.each([
    [[]],
    [["frobnicate"]],
    [["serve"]],
    [["serve", "--config"]],
    [["serve", "--config", "a", "extra"]],
    [["schema", "--nope"]],
    [["check-config"]],
    [["revoke", "planet", "x", "--reason", "r"]],
    [["revoke", "user", "alice"]],
    [["revoke", "user", "alice", "--reason", "r", "--wait", "long"]],
    [["explain", "--config", "x"]],
  ])("calls %j a usage error: 2, and nothing on standard output", async (args) => {
    expect(await portcullis(...args)).toMatchObject({ code: 2, out: "" });
  });

  it("ends quietly when nobody reads on", async () => {
    const child = spawn("sh", ["-c", `"${LAUNCHER}" schema | head -c 10`], { cwd: folder });
    let err = "";
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    await new Promise((resolve) => child.on("close", resolve));
    expect(err).toBe("");
  });
});

describe("check-config", () => {
  it("says that a good file is good", async () => {
    writeFileSync(join(folder, "good.yaml"), GOOD);
    expect(await portcullis("check-config", "good.yaml")).toEqual({
      code: 0,
      out: "good.yaml: good (issuers: 1, routes: 0, tiers: 3, store: redis)\n",
      err: "",
    });
  });

  it("prints warnings and still exits with 0", async () => {
    writeFileSync(join(folder, "warned.yaml"), `${GOOD}control: { url: http://127.0.0.1:9999 }\n`);
    const outcome = await portcullis("check-config", "warned.yaml");
    expect(outcome.code).toBe(0);
    expect(outcome.err).toMatch(/^warning: warned\.yaml:5:17 {2}control\.url {2}/);
  });

  it("prints every problem on its line, the file as it was named, and exits with 2", async () => {
    writeFileSync(join(folder, "bad.yaml"), `${GOOD}deadline: 5\nfeed: { typ: none }\n`);
    expect(await portcullis("check-config", "bad.yaml")).toEqual({
      code: 2,
      out: "",
      err:
        "bad.yaml:5:11  deadline  is the number 5  a duration from 5ms to 1m, such as 250ms or 2s\n" +
        'bad.yaml:6:9  feed.typ  is no known key, did you mean "type"?  known here: type, scanEvery, directWriters\n',
    });
  });

  it("prints JSON for programs", async () => {
    writeFileSync(join(folder, "bad.yaml"), `${GOOD}deadline: 5\n`);
    const bad = await portcullis("check-config", "bad.yaml", "--json");
    expect([bad.code, bad.err, JSON.parse(bad.out)]).toEqual([
      2,
      "",
      {
        ok: false,
        problems: [
          {
            file: "bad.yaml",
            line: 5,
            column: 11,
            path: "deadline",
            problem: "is the number 5",
            allowed: "a duration from 5ms to 1m, such as 250ms or 2s",
          },
        ],
        warnings: [],
      },
    ]);
    const good = await portcullis("check-config", "good.yaml", "--json");
    expect([good.code, JSON.parse(good.out)]).toEqual([0, { ok: true, problems: [], warnings: [] }]);
  });

  it.each([
    ["gone.yaml", "does not exist"],
    [".", "is a directory"],
    ["/dev/null", "is missing"],
  ])("of %s says what is wrong", async (file, problem) => {
    const outcome = await portcullis("check-config", file);
    expect(outcome.code).toBe(2);
    expect(outcome.err).toContain(problem);
  });
});

describe("schema", () => {
  it("prints the whole JSON Schema through a pipe", async () => {
    const { code, out } = await portcullis("schema");
    expect(code).toBe(0);
    expect(Object.keys((JSON.parse(out) as { properties: object }).properties)).toContain("issuers");
  });
});
