// One table over all commands: help with examples, JSON where there is a result, and the exit codes 0, 1 and 2.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run, runHere } from "../support/command.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { dumpOf } from "../support/envoy-dump.ts";

const NOBODY = "http://127.0.0.1:1";
const folder = mkdtempSync(join(tmpdir(), "portcullis-commands-"));
let plane: ControlPlane;
let other: Server;
let otherUrl = "";
let lifted = "";

const CONFIG = `issuers: [{ issuer: "https://i.example", jwks: { file: jwks.json }, audiences: [a] }]
store: { type: memory }
feed: { type: none }
routes: [{ path: /open, anonymous: true }]
`;
const STATUS = {
  version: "1",
  up_for_ms: 1,
  ready: true,
  store: { type: "memory", describe: "", reachable: true, unfit: null, last_answer_age_ms: 1 },
  replica: null,
  breaker: null,
  issuers: [],
  decisions_per_second: { allow: 0, deny: 0, fail_open: 0 },
  in_flight: 0,
};

beforeAll(async () => {
  writeFileSync(join(folder, "good.yaml"), CONFIG);
  writeFileSync(join(folder, "bad.yaml"), "deadline: soon\n");
  writeFileSync(join(folder, "jwks.json"), '{"keys":[]}');
  writeFileSync(join(folder, "ids"), "i-1\ni-2\n");
  writeFileSync(join(folder, "ids.csv"), "id\ni-3\n");
  plane = await startControlPlane();
  lifted = await freshId();
  other = createServer((request, response) => {
    response.end(JSON.stringify(request.url === "/status" ? STATUS : dumpOf()));
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
});
afterAll(async () => {
  other.close();
  await plane.stop();
  rmSync(folder, { recursive: true });
});

/** Of a revocation to lift. */
async function freshId(): Promise<string> {
  const body = { target: { kind: "session", id: randomUUID() }, reason: "r" };
  return (await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body })).json.id;
}

interface Row {
  /** Where nothing is wrong: 0. `undefined`: a server, which ends when it is told to. */
  readonly done: (() => readonly string[]) | undefined;
  /** 1: asked rightly, and it cannot be done. */
  readonly failed: readonly string[] | undefined;
  /** 2: asked wrongly, or with a bad configuration. */
  readonly usage: readonly (readonly string[])[];
  /** What `done` prints with --json is this many lines of JSON. */
  readonly jsonLines?: number;
}

const explained = ["--method", "GET", "--path", "/open"];
const ROWS: Readonly<Record<string, Row>> = {
  serve: { done: undefined, failed: undefined, usage: [[], ["--config", "bad.yaml"], ["--config", "gone.yaml"]] },
  control: { done: undefined, failed: undefined, usage: [[], ["--config", "bad.yaml"]] },
  dev: { done: undefined, failed: undefined, usage: [["--config", "bad.yaml"], ["more"]] },
  revoke: {
    done: () => ["user", "alice", "--reason", "r"],
    failed: ["user", "alice", "--reason", "r", "--control", NOBODY],
    usage: [[], ["user"], ["user", "alice"], ["planet", "x", "--reason", "r"]],
    jsonLines: 1,
  },
  import: {
    done: () => ["ids.csv", "--from", "csv", "--issuer", "main", "--json"], // else the counts are told beside it
    failed: ["--from", "higress", "--redis", "redis://127.0.0.1:1"],
    usage: [[], ["--from", "paper"], ["--from", "csv"]],
    jsonLines: 1,
  },
  // What waits is approved in control-second-person.test.ts; here nothing waits.
  approve: {
    done: undefined,
    failed: ["gone", "--reason", "r"],
    usage: [["a"], ["--reason", "r"], ["a", "b", "--reason", "r"], ["a", "--reason", " "]],
  },
  unrevoke: { done: () => [lifted], failed: ["gone"], usage: [[], ["a", "b"]], jsonLines: 1 },
  list: {
    done: () => [],
    failed: ["--control", NOBODY],
    usage: [
      ["--limit", "0"],
      ["--kind", "planet"],
    ],
    jsonLines: 1,
  },
  watch: {
    done: undefined,
    failed: ["--control", NOBODY],
    usage: [
      ["--after", "x"],
      ["--control", "ftp://x"],
    ],
  },
  status: {
    done: () => ["--ops", otherUrl],
    failed: ["--ops", NOBODY],
    usage: [["--ops", "x"], ["more"]],
    jsonLines: 1,
  },
  explain: {
    done: () => ["--config", "good.yaml", ...explained],
    failed: undefined,
    usage: [
      explained,
      ["--config", "bad.yaml", ...explained],
      ["--config", "good.yaml", ...explained, "--header", "x"],
    ],
    jsonLines: 1,
  },
  "check-config": {
    done: () => ["good.yaml"],
    failed: undefined,
    usage: [[], ["bad.yaml"], ["gone.yaml"]],
    jsonLines: 1,
  },
  schema: { done: () => [], failed: undefined, usage: [["more"], ["--nope"]] },
  doctor: {
    done: () => ["--envoy", otherUrl],
    failed: ["--envoy", NOBODY],
    usage: [[], ["--envoy", "x"], ["--envoy", NOBODY, "--config", "bad.yaml"]],
    jsonLines: 1,
  },
  completion: { done: () => ["bash"], failed: undefined, usage: [[], ["tcsh"]] },
};

const options = () => ({
  cwd: folder,
  env: { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: plane.tokens.admin },
});

test("the table has every command", async () => {
  const [listed = ""] = (await runHere(["--help"])).out.split("\nExamples:");
  const commands = [...listed.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name]) => name);
  expect(new Set(commands)).toEqual(new Set(Object.keys(ROWS)));
});

const rows = Object.entries(ROWS).map(([name, row]) => ({ name, ...row }));

test.each(rows)("$name helps with examples: 0, on standard output", async ({ name, jsonLines }) => {
  const { code, out, err } = await runHere([name, "--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain(`Usage: portcullis ${name}`);
  expect(out).toMatch(new RegExp(`\nExamples:\n {2}portcullis ${name}`));
  expect(out.includes("--json") || jsonLines === undefined).toBe(true);
});

const doing = rows.flatMap(({ name, done, jsonLines }) => (done === undefined ? [] : [{ name, done, jsonLines }]));

test.each(doing)("$name, done: 0", async ({ name, done }) => {
  expect(await runHere([name, ...done()], options())).toMatchObject({ code: 0, err: "" });
});

test.each(doing.filter(({ jsonLines }) => jsonLines !== undefined))(
  "$name --json prints JSON, a line a result",
  async ({ name, done, jsonLines }) => {
    const args = name === "unrevoke" ? [await freshId()] : done();
    const { code, out } = await runHere([name, ...args, "--json"], options());
    expect(code).toBe(0);
    const lines = out.split("\n").slice(0, -1);
    expect(lines.map((line) => typeof JSON.parse(line))).toEqual(
      Array.from({ length: jsonLines ?? 0 }, () => "object"),
    );
  },
);

test.each(rows.flatMap(({ name, failed }) => (failed === undefined ? [] : [{ name, failed }])))(
  "$name, failed: 1, and why on standard error",
  async ({ name, failed }) => {
    const { code, out, err } = await runHere([name, ...failed], options());
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toMatch(/^portcullis: .+\n$/);
  },
);

test.each(rows.flatMap(({ name, usage }) => usage.map((args) => ({ name, args }))))(
  "$name $args, usage or configuration: 2",
  async ({ name, args }) => {
    const { code, out, err } = await runHere([name, ...args], options());
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).not.toBe("");
  },
);

test("a batch prints a line of JSON for each of its lines, and is 1 when one fails", async () => {
  const args = ["revoke", "session", "--batch", "ids", "--reason", "r", "--json"];
  const good = await runHere(args, options());
  expect([good.code, good.out.split("\n").length, good.err]).toEqual([0, 3, ""]);
  writeFileSync(join(folder, "ids"), `i-1\n${"x".repeat(20_000)}\n`);
  expect((await runHere(args, options())).code).toBe(1);
});

test("the process ends with the same codes", async () => {
  expect((await run(["schema"], options())).code).toBe(0);
  expect((await run(["list", "--control", NOBODY], options())).code).toBe(1);
  expect((await run(["frobnicate"], options())).code).toBe(2);
});
