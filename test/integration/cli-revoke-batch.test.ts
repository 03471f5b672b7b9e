// `portcullis revoke --batch`: what becomes of each line is said, whatever becomes of the others, of the connection, and
// of the control plane in the middle.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../src/commands/cli.ts";
import { ok } from "../../src/core/result.ts";
import { run, runHere, type Outcome } from "../support/command.ts";
import { startControlPlane, type ControlPlane } from "../support/control-plane.ts";
import { PORTCULLIS } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";

const folder = mkdtempSync(join(tmpdir(), "portcullis-batch-"));
let plane: ControlPlane;
const servers: Server[] = [];
beforeAll(async () => {
  plane = await startControlPlane();
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(async () => {
  await plane.stop();
  rmSync(folder, { recursive: true });
});

const env = (url = plane.url) => ({ PORTCULLIS_CONTROL_URL: url, PORTCULLIS_TOKEN: plane.tokens.admin });
const batch = (stdin: string | Uint8Array, ...args: readonly string[]): Promise<Outcome> =>
  runHere(["revoke", ...args, "--batch", "-"], { env: env(), stdin });
const isRevoked = async (kind: string, id: string): Promise<unknown> =>
  (await plane.call("GET", `/v1/check?kind=${kind}&id=${id}`)).json["revoked"];
const answersIn = (out: string): readonly { line: number; id?: string; error?: { detail?: string } }[] =>
  out
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

describe("lines that are IDs of the KIND", () => {
  test("are revoked one by one, blank ones left out", async () => {
    const { code, out, err } = await batch("a-1\n\n  a-2 \r\na-3", "session", "--reason", "stolen");
    expect({ code, err }).toEqual({ code: 0, err: "3 revoked, 0 failed\n" });
    expect(out).toMatch(/^revoked session a-1  [0-9a-f-]{36}\nrevoked session a-2  .+\nrevoked session a-3  .+\n$/);
    expect(await isRevoked("session", "a-2")).toBe(true);
  });

  test("may be JWTs where tokens are revoked: all that leaves is their jti and issuer", async () => {
    const jwt = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"jti":"b-1"}').toString("base64url")}.c2ln`;
    const { code, out, err } = await batch(`${jwt}\nb-2\nBearer ${jwt}`, "token", "--reason", "stolen", "--json");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(answersIn(out).map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(await isRevoked("token", "b-1")).toBe(true);
    const foreign = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from('{"jti":"b-3","iss":"https://nobody"}').toString("base64url")}.c2ln`;
    expect((await batch(foreign, "token", "--reason", "r")).err).toContain("no such issuer; known are: main");
    const asUser = await batch(`${jwt}\n`, "user", "--reason", "r");
    expect(asUser).toMatchObject({ code: 1, err: "line 1: the line is a token, and no user\n0 revoked, 1 failed\n" });
    expect(`${plane.logged()}${out}${asUser.err}`).not.toContain(jwt.split(".")[1]);
  });
});

test("lines that wait for another admin are not done: it exits with 1 and says so", async () => {
  const careful = await startControlPlane({ secondPerson: ["user"] });
  const given = {
    env: { PORTCULLIS_CONTROL_URL: careful.url, PORTCULLIS_TOKEN: careful.tokens.admin },
    stdin: "w-1\n",
  };
  const { code, err } = await runHere(["revoke", "user", "--reason", "r", "--batch", "-"], given);
  expect({ code, err }).toEqual({
    code: 1,
    err: "0 revoked, 1 wait for approval and are not revoked yet, 0 failed\n",
  });
  await careful.stop();
});

describe("lines that are JSON", () => {
  test("say what they want themselves; the command line says the rest", async () => {
    const lines = [
      { target: { kind: "session", id: "c-1" }, reason: "own reason" },
      { target: { kind: "user", id: "c-2", issuer: "main" } },
      { target: { kind: "everything" } },
    ];
    const input = lines.map((line) => JSON.stringify(line)).join("\n");
    const { code } = await batch(input, "--reason", "theirs", "--issuer", "main");
    expect(code).toBe(0);
    const { items } = (await plane.call("GET", "/v1/revocations?limit=100")).json as unknown as {
      items: { target: object; reason: string }[];
    };
    expect(items).toContainEqual(expect.objectContaining({ reason: "own reason" }));
    expect(items).toContainEqual(
      expect.objectContaining({ target: { kind: "user", issuer: "main", id: "c-2" }, reason: "theirs" }),
    );
    for (const { id } of (await plane.call("GET", "/v1/revocations?kind=everything")).json.items)
      await plane.call("DELETE", `/v1/revocations/${id}`);
  });

  test("that fail lose no other, are told in their place, and make it 1", async () => {
    const good = (id: string): string => JSON.stringify({ target: { kind: "session", id }, reason: "r" });
    const input = [
      "no json",
      good("d-1"),
      "[]",
      '{"target":{"kind":"planet","id":"x"},"reason":"r"}',
      good("d-2"),
      "{}",
    ];
    const json = await batch(input.join("\n"), "--json");
    expect(json.code).toBe(1);
    expect(answersIn(json.out).map(({ line, id }) => [line, id !== undefined])).toEqual([
      [1, false],
      [2, true],
      [3, false],
      [4, false],
      [5, true],
      [6, false],
    ]);
    const words = await batch(input.join("\n"));
    expect(words.code).toBe(1);
    expect(words.err).toMatch(
      /^line 1: the line is no JSON.+\nline 3: the line has no target\nline 4: .+\nline 6: .+\n2 revoked, 4 failed\n$/,
    );
    expect(words.out.split("\n")).toHaveLength(3);
  });
});

test("more than one call takes go in several, from a file", async () => {
  writeFileSync(join(folder, "many.txt"), Array.from({ length: 12_345 }, (_, i) => `many-${i}\n`).join(""));
  const outcome = await runHere(["revoke", "session", "--batch", "many.txt", "--reason", "r", "--json"], {
    env: env(),
    cwd: folder,
  });
  expect(outcome.code).toBe(0);
  const answers = answersIn(outcome.out);
  expect(answers.map(({ line }) => line)).toEqual(Array.from({ length: 12_345 }, (_, i) => i + 1));
  expect(await isRevoked("session", "many-12344")).toBe(true);
});

test.each<[string, readonly string[], string]>([
  ["as IDs", ["session"], "n-1"],
  ["as JSON", [], '{"target":{"kind":"session","id":"n-1"}}'],
])("bytes that are no UTF-8 are told of, not revoked as another id: %s", async (_, kind, good) => {
  const at = good.indexOf("n-1") + 3;
  const bad = (byte: number): Buffer =>
    Buffer.concat([Buffer.from(good.slice(0, at)), Buffer.from([byte]), Buffer.from(good.slice(at))]);
  const lines = Buffer.concat([bad(0xff), Buffer.from("\n"), bad(0xe9), Buffer.from(`\n${good}\n`), bad(0xc3)]);
  const { code, err } = await batch(lines, ...kind, "--reason", "r");
  const complaint = (line: number): string => `line ${line}: the line is no UTF-8 text\n`;
  expect({ code, err }).toEqual({ code: 1, err: `${[1, 2, 4].map(complaint).join("")}1 revoked, 3 failed\n` });
});

test("a character that is cut off at the end of a file is no part of an id", async () => {
  const cut = Buffer.concat([Buffer.from("cut"), Buffer.from([0xc3])]);
  expect(await batch(cut, "session", "--reason", "r")).toMatchObject({ code: 1, out: "" });
  expect(await isRevoked("session", "cut")).toBe(false);
});

test("nothing to do is done", async () => {
  expect(await batch("\n \n", "user", "--reason", "r")).toEqual({ code: 0, out: "", err: "0 revoked, 0 failed\n" });
});

test("progress is shown on a terminal, and only there", async () => {
  let err = "";
  const outside = {
    out: () => undefined,
    err: (text: string) => void (err += text),
    readStdin: async () => ok(""),
    async *stdinChunks() {
      yield Buffer.from("e-1\ne-2\n");
    },
    env: env(),
    cwd: folder,
    isTerminal: true,
    isErrorTerminal: true,
    version: "0",
    program: new URL(import.meta.url),
    signals: { onTerminate: () => undefined, onInterrupt: () => undefined, onReload: () => undefined },
  };
  const args = ["revoke", "session", "--batch", "-", "--reason", "r"];
  expect(await runCli(args, outside)).toBe(0);
  expect(err).toContain("\r\u001b[K1 revoked, 0 failed");
  expect(err.endsWith("\r\u001b[K2 revoked, 0 failed\n")).toBe(true);
  err = "";
  expect(await runCli(args, { ...outside, isErrorTerminal: false })).toBe(0);
  expect(err).toBe("2 revoked, 0 failed\n");
});

describe("a control plane that goes away in the middle", () => {
  /** Passes calls on to the real one and cuts the first answer after two lines. */
  async function cutting(cuts: number): Promise<{ url: string; keys: (string | undefined)[] }> {
    const keys: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      void (async () => {
        keys.push(request.headers["idempotency-key"] as string | undefined);
        const chunks: Buffer[] = [];
        for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
        const { authorization = "", "content-type": type = "" } = request.headers;
        const answer = await plane.call("POST", "/v1/revocations/batch", {
          token: authorization.slice("Bearer ".length),
          body: Buffer.concat(chunks),
          headers: { "content-type": type, "idempotency-key": keys.at(-1) ?? "" },
        });
        response.writeHead(answer.status, { "content-type": "application/x-ndjson" });
        if (keys.length > cuts) return void response.end(answer.text);
        const two = answer.text.split("\n").slice(0, 2).join("\n");
        response.write(`${two}\n{"line":3`, () => response.destroy());
      })();
    });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, keys };
  }
  const input = "f-1\nf-2\nf-3\nf-4\n";

  test("is asked again with the same key; each line is told once, and done once", async () => {
    const { url, keys } = await cutting(2);
    const { code, out } = await runHere(["revoke", "session", "--batch", "-", "--reason", "r", "--json"], {
      env: env(url),
      stdin: input,
    });
    expect(code).toBe(0);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(3);
    const answers = answersIn(out);
    expect(answers.map(({ line }) => line)).toEqual([1, 2, 3, 4]);
    const stored = (await plane.call("GET", "/v1/revocations?kind=session&id=f-1&issuer=main")).json;
    expect(stored.items.map(({ id }) => id)).toEqual([answers[0]?.id]);
  });

  test("for good: says from which line on nothing is known", async () => {
    const { url } = await cutting(Number.POSITIVE_INFINITY);
    const outcome = await runHere(["revoke", "session", "--batch", "-", "--reason", "r"], {
      env: env(url),
      stdin: input,
    });
    expect(outcome.code).toBe(1);
    expect(outcome.out.split("\n")).toHaveLength(3);
    expect(outcome.err).toMatch(/^2 revoked, 0 failed\nportcullis: not known to be done from line 3 on: /);
  });
});

test.each<[string, string, RegExp]>([
  ["an address without anybody", "http://127.0.0.1:1", /not known to be done from line 1 on: nothing listens/],
])("%s fails with 1", async (_, url, message) => {
  const outcome = await runHere(["revoke", "user", "--batch", "-", "--reason", "r"], { env: env(url), stdin: "g" });
  expect(outcome).toMatchObject({ code: 1, out: "" });
  expect(outcome.err).toMatch(message);
});

test("a token without the scope fails line by line or at once, with 1", async () => {
  const outcome = await runHere(["revoke", "user", "--batch", "-", "--reason", "r"], {
    env: { ...env(), PORTCULLIS_TOKEN: plane.tokens.reader },
    stdin: "g\n",
  });
  expect(outcome).toMatchObject({ code: 1, out: "" });
  expect(outcome.err).toContain("scope");
});

test.each([
  [["--batch", "x"], "cannot be read (ENOENT)"],
  [["--batch", "."], "cannot be read (EISDIR)"],
  [["user", "alice", "--reason", "r", "--batch", "-"], "the IDs stand in its lines"],
  [["token", "--stdin", "--reason", "r", "--batch", "-"], "the IDs stand in its lines"],
  [["user", "--batch", "-"], "--reason must say why"],
  [["--batch", "-", "--reason", " "], "--reason must say why"],
  [["everything", "--reason", "r", "--batch", "-"], "everything has no ID"],
  [["--reason", "r"], "KIND is one of"],
  [[], "KIND is one of"],
])("usage: revoke %j", async (args, message) => {
  const outcome = await runHere(["revoke", ...args], { env: env(), cwd: folder });
  expect(outcome).toMatchObject({ code: 2, out: "" });
  expect(outcome.err).toContain(message);
});

test.each([
  ["revoke", "session", "--batch", "x", "--reason", "r"],
  ["import", "--from", "csv", "x"],
])("a file that is not there, while the token is still read from its own: %s", async (...args) => {
  writeFileSync(join(folder, "token"), plane.tokens.admin);
  const outcome = await run(args, {
    cwd: folder,
    env: { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: "", PORTCULLIS_TOKEN_FILE: "token" },
  });
  expect(outcome).toEqual({ code: 2, out: "", err: "portcullis: x cannot be read (ENOENT)\n" });
});

test("the process reads its standard input as it comes, far beyond what a token takes", async () => {
  const reason = "x".repeat(200);
  const lines = Array.from({ length: 6_000 }, (_, i) =>
    JSON.stringify({ target: { kind: "session", id: `big-${i}` }, reason }),
  );
  const { code, out } = await run(["revoke", "--batch", "-", "--json"], { env: env(), stdin: `${lines.join("\n")}\n` });
  expect(code).toBe(0);
  expect(answersIn(out)).toHaveLength(6_000);
});

test("interrupted, it says from which line on nothing is known", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write('{"line":1,"id":"a","seq":1}\n{"line":2,"id":"b","seq":2}\n');
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const running = startProcess(PORTCULLIS, ["revoke", "session", "--batch", "-", "--reason", "r"], {
    env: env(url),
    stdin: "h-1\nh-2\nh-3\n",
  });
  await running.line(/^revoked session h-2 /m);
  running.signal("SIGINT");
  expect(await running.end()).toBe(1);
  expect(running.output()).toContain(
    "2 revoked, 0 failed\nportcullis: interrupted: not known to be done from line 3 on\n",
  );
});

test("more on standard input than a token takes is one line of complaint", async () => {
  const outcome = await run(["revoke", "token", "--stdin", "--reason", "r"], {
    env: env(),
    stdin: "x".repeat(2_000_000),
  });
  expect(outcome).toEqual({ code: 2, out: "", err: "portcullis: standard input holds more than 1048576 bytes\n" });
});

test("a reader that goes away ends it quietly", async () => {
  const ids = Array.from({ length: 3_000 }, (_, i) => `gone-${i}\n`).join("");
  const command = `"${PORTCULLIS}" revoke session --batch - --reason r | head -n 1`;
  const running = startProcess("bash", ["-c", command], { env: env(), stdin: ids });
  expect(await running.end()).toBe(0);
  expect(running.output()).toMatch(/^revoked session gone-0  \S+\n$/);
});
