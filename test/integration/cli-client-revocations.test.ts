// revoke, lift and list against a real control plane: what they print in both forms, and that a token given to them
// goes no further.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { CommandIo } from "../../src/commands/io.ts";
import { list, type ListFlags } from "../../src/commands/list.ts";
import { revoke, type RevokeFlags } from "../../src/commands/revoke.ts";
import { unrevoke } from "../../src/commands/unrevoke.ts";
import { err } from "../../src/core/result.ts";
import { MAIN, PARTNER, startControlPlane, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
let printed = { out: "", err: "" };
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());
afterEach(() => {
  printed = { out: "", err: "" };
});

interface Process {
  readonly env?: Record<string, string>;
  readonly stdin?: string;
  readonly cwd?: string;
}

function io({ env, stdin = "", cwd = tmpdir() }: Process = {}): CommandIo {
  return {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    readStdin: async () => ({ ok: true, value: stdin }),
    stdinChunks: async function* () {},
    env: env ?? { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: plane.tokens.admin },
    cwd,
    isTerminal: false,
    isErrorTerminal: false,
    version: "0",
    program: new URL(import.meta.url),
    signals: { onTerminate: () => undefined, onInterrupt: () => undefined, onReload: () => undefined },
  };
}

const run = (kind: string, id: string | undefined, flags: Partial<RevokeFlags> = {}, process?: Process) =>
  revoke(kind, id, { reason: "lost phone", ...flags }, io(process));

async function listed(
  flags: ListFlags = {},
): Promise<{ items: { id: string; target: object; reason: string }[]; cursor?: string }> {
  printed.out = "";
  expect(await list({ ...flags, json: true }, io())).toBe(0);
  return JSON.parse(printed.out);
}

test("a user is revoked, listed and lifted, in words and in JSON", async () => {
  expect(await run("user", "alice")).toBe(0);
  expect(printed.out).toMatch(
    /^revoked user alice of main\n {2}id {6}[0-9a-f-]{36}\n {2}tokens {2}issued before 2\d{3}-.*Z\n {2}stands {2}until 2\d{3}-.*Z\n$/,
  );
  const { items } = await listed({ kind: "user", id: "alice", issuer: "main" });
  expect(items).toHaveLength(1);
  const id = items[0]?.id ?? "";
  expect(await list({ kind: "user" }, io())).toBe(0);
  expect(printed.out).toContain(`${id}  user alice of main  issued before`);
  printed.out = "";
  expect(await unrevoke(id, { json: true }, io())).toBe(0);
  expect(JSON.parse(printed.out)).toEqual({ id, lifted: true });
  expect((await listed({ kind: "user", id: "alice", issuer: "main" })).items).toEqual([]);
  expect(await unrevoke(id, {}, io())).toBe(1);
  expect(printed.err).toBe("portcullis: There is no such thing: No live revocation has this id. (404)\n");
});

test("revoke --json prints the API's answer", async () => {
  expect(await run("issuer", undefined, { issuer: "main", json: true })).toBe(0);
  expect(JSON.parse(printed.out)).toMatchObject({
    target: { kind: "issuer", issuer: "main" },
    receipt: { durability: "stored" },
  });
});

describe("a token", () => {
  const jwt = (claims: object) =>
    ["eyJhbGciOiJSUzI1NiJ9", Buffer.from(JSON.stringify(claims)).toString("base64url"), "c2lnbmF0dXJl"].join(".");

  test("comes by standard input and is revoked by its jti; it is never sent, printed or logged", async () => {
    const token = jwt({ jti: "jti-from-stdin", sub: "alice" });
    for (const stdin of [`${token}\n`, `Bearer ${token}`])
      expect(await run("token", undefined, { stdin: true }, { stdin })).toBe(0);
    expect((await listed({ kind: "token" })).items.map(({ target }) => target)).toEqual([
      { kind: "token", issuer: "main", id: "jti-from-stdin" },
    ]);
    expect(`${printed.out}${printed.err}${plane.logged()}`).not.toContain(token.split(".")[1]);
  });

  test("is revoked at the issuer that it names, unless the command names one", async () => {
    const two = await startControlPlane({ issuers: [MAIN, PARTNER] });
    const env = { PORTCULLIS_CONTROL_URL: two.url, PORTCULLIS_TOKEN: two.tokens.admin };
    const revokeIt = (iss: string, flags: Partial<RevokeFlags> = {}) =>
      run("token", undefined, { stdin: true, ...flags }, { env, stdin: jwt({ iss, jti: "j" }) });
    const issuersHit = async () => (await two.call("GET", "/v1/revocations")).json.items.map(({ target }) => target);
    expect(await revokeIt(PARTNER.issuer)).toBe(0);
    expect(await issuersHit()).toEqual([{ kind: "token", issuer: "partner", id: "j" }]);
    expect(await revokeIt("https://nobody.example.com")).toBe(1);
    expect(printed.err).toContain("no such issuer; known are: main, partner");
    expect(await revokeIt(PARTNER.issuer, { issuer: "main" })).toBe(0);
    expect(await issuersHit()).toHaveLength(2);
    await two.stop();
  });

  test("as an argument is refused unsent, since arguments can be read by others", async () => {
    for (const kind of ["token", "session", "user"]) {
      expect(await run(kind, jwt({ jti: "as-argument" }))).toBe(2);
    }
    expect(printed.err).toContain("--stdin");
    expect(printed.err).not.toContain("eyJ");
    expect((await listed({ kind: "token", issuer: "main", id: "as-argument" })).items).toEqual([]);
  });

  test.each([
    ["", "standard input holds no JWT"],
    ["not a token", "standard input holds no JWT"],
    ["eyJhbGciOiJSUzI1NiJ9.bm90IGpzb24.c2ln", "standard input holds no JWT"],
    [jwt({ sub: "alice" }), "the token has no jti: revoke its session or its user instead"],
    [jwt({ jti: 12345 }), "the token has no jti: revoke its session or its user instead"],
  ])("that cannot be used is a usage error: %#", async (stdin, message) => {
    expect(await run("token", undefined, { stdin: true }, { stdin })).toBe(2);
    expect(printed.err).toBe(`portcullis: ${message}\n`);
  });
});

test.each<[string, string | undefined, Partial<RevokeFlags>, string]>([
  ["planet", "mars", {}, "KIND is one of"],
  ["user", undefined, {}, "user needs an ID"],
  ["token", undefined, {}, "its jti, or --stdin"],
  ["issuer", "main", {}, "name it with --issuer"],
  ["everything", "x", {}, "everything has no ID"],
  ["user", "alice", { reason: " " }, "--reason"],
  ["user", "alice", { wait: "soon" }, "--wait is one of: stored, replicated, fleet"],
  ["user", "alice", { stdin: true }, "--stdin is for `revoke token`"],
  ["token", "j", { stdin: true }, "either ID or --stdin"],
  ["user", "alice", { control: "127.0.0.1:9003" }, "is not an http or https URL"],
  ["user", "alice", { control: "https://u:secret@x" }, "password"],
])("usage: revoke %s %s %j", async (kind, id, flags, message) => {
  expect(await run(kind, id, flags)).toBe(2);
  expect(printed.err).toContain(message);
  expect(printed.err).not.toContain("secret");
  expect(printed.out).toBe("");
});

test("what the control plane refuses is shown with its reason and fails", async () => {
  expect(await run("user", "alice", { issuer: "nobody" })).toBe(1);
  expect(printed.err).toBe(
    "portcullis: The request cannot be done as asked: /target/issuer no such issuer; known are: main (422)\n",
  );
});

describe("the control plane's token", () => {
  test("may come from the file that PORTCULLIS_TOKEN_FILE names, relative to the working directory", async () => {
    const cwd = await mkdtemp(join(tmpdir(), "portcullis-token-"));
    await writeFile(join(cwd, "token"), `${plane.tokens.admin}\n`, { mode: 0o600 });
    const env = { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN_FILE: "token" };
    expect(await list({}, io({ env, cwd }))).toBe(0);
    expect(await list({}, io({ env: { ...env, PORTCULLIS_TOKEN_FILE: "gone" }, cwd }))).toBe(2);
    expect(printed.err).toContain("(ENOENT): gone");
    await rm(cwd, { recursive: true });
  });

  test("is asked for where it is missing", async () => {
    expect(await list({}, io({ env: { PORTCULLIS_CONTROL_URL: plane.url } }))).toBe(2);
    expect(printed.err).toContain("PORTCULLIS_TOKEN");
  });

  test("that is wrong is told from one without the scope", async () => {
    const as = (token: string) => io({ env: { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: token } });
    expect(await list({}, as("wrong"))).toBe(1);
    expect(await list({}, as(plane.tokens.revoker))).toBe(1);
    expect(printed.err).toContain("The token is not valid here. (401)");
    expect(printed.err).toContain("This needs the scope portcullis:read. (403)");
  });

  test("does not go over plain HTTP to another machine unless that is asked for", async () => {
    expect(await list({ control: "http://control.invalid:9003" }, io())).toBe(2);
    expect(printed.err).toContain("in the clear");
    printed.err = "";
    expect(await list({ control: "http://control.invalid:9003", insecure: true }, io())).toBe(1);
    expect(printed.err).toMatch(
      /^warning: the token goes to http:\/\/control\.invalid:9003 in the clear\nportcullis: http:\/\/control\.invalid:9003 cannot be asked \(E/,
    );
  });

  test("does not follow a redirect", async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await listen(
      createServer((request, response) => {
        seen.push(request.headers.authorization);
        response.end("{}");
      }),
    );
    const here = await listen(
      createServer((_, response) => response.writeHead(307, { location: elsewhere.url }).end()),
    );
    expect(await list({ control: here.url }, io())).toBe(1);
    expect(printed.err).toContain("answered 307, and not as a control plane does");
    expect(seen).toEqual([]);
    await here.close();
    await elsewhere.close();
  });
});

test("nobody listening is told with the URL and what to try", async () => {
  const free = await listen(createServer());
  await free.close();
  expect(await list({ control: free.url }, io())).toBe(1);
  expect(printed.err).toContain(`nothing listens at ${free.url}`);
});

test("an answer of something else than a control plane is told as such", async () => {
  const other = await listen(createServer((_, response) => response.end("<html>hello</html>")));
  expect(await list({ control: other.url }, io())).toBe(1);
  expect(printed.err).toContain("the answer is not JSON");
  await other.close();
});

describe("unsure whether it happened, the command tries once more under the same key", () => {
  test("after a 503", async () => {
    let failures = 1;
    const shaky = await startControlPlane({
      around: (store) => ({
        ...store,
        put: async (revocation) => {
          const stored = await store.put(revocation);
          return failures-- > 0 ? err({ cause: "timeout", detail: "" }) : stored;
        },
      }),
    });
    const env = { PORTCULLIS_CONTROL_URL: shaky.url, PORTCULLIS_TOKEN: shaky.tokens.admin };
    expect(await run("user", "alice", {}, { env })).toBe(0);
    await shaky.stop();
  });

  test("after a lost connection, and does it once", async () => {
    const keys: unknown[] = [];
    const bodies: string[] = [];
    const lossy = await listen(
      createServer((request, response) => {
        keys.push(request.headers["idempotency-key"]);
        let body = "";
        request
          .on("data", (chunk) => (body += chunk))
          .on("end", () => {
            bodies.push(body);
            if (keys.length === 1) response.destroy();
            else
              response
                .writeHead(201)
                .end(JSON.stringify({ id: "r-1", at: 1, target: { kind: "everything" }, expires_at: null }));
          });
      }),
    );
    expect(await run("everything", undefined, { control: lossy.url })).toBe(0);
    expect(keys).toHaveLength(2);
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect([keys[1], bodies[1]]).toEqual([keys[0], bodies[0]]);
    expect(printed.out).toContain("revoked everything\n");
    expect(printed.out).toContain("until lifted");
    await lossy.close();
  });

  test("and then says that it is not known", async () => {
    const out = await startControlPlane();
    await out.store.stop();
    const env = { PORTCULLIS_CONTROL_URL: out.url, PORTCULLIS_TOKEN: out.tokens.admin };
    expect(await run("user", "alice", {}, { env })).toBe(1);
    expect(printed.err).toContain("Not acknowledged, though it may have happened");
    await out.stop();
  });
});

test("listing goes through the pages up to its limit, and says when there is more", async () => {
  for (let i = 0; i < 7; i++) expect(await run("session", `page-${i}`)).toBe(0);
  expect((await listed({ kind: "session" })).items).toHaveLength(7);
  const five = await listed({ kind: "session", limit: "5" });
  expect([five.items.length, typeof five.cursor]).toEqual([5, "string"]);
  expect(printed.err).toBe("there are more than these 5: see --limit\n");
  expect(await list({ limit: "0" }, io())).toBe(2);
  expect(await list({ limit: "many" }, io())).toBe(2);
});

test("what others wrote cannot play tricks with the terminal", async () => {
  const hostile = {
    id: "r-1",
    seq: 1,
    target: { kind: "user", issuer: "main", id: "a\u001b[2J" } as const,
    reason: "x\r\n\u202efake",
    by: "\u0007me",
    atMs: 1,
    issuedBeforeS: 1,
    expiresAtMs: undefined,
  };
  const other = await startControlPlane({
    around: (store) => ({ ...store, list: async () => ({ ok: true, value: { items: [hostile], cursor: undefined } }) }),
  });
  const env = { PORTCULLIS_CONTROL_URL: other.url, PORTCULLIS_TOKEN: other.tokens.admin };
  expect(await list({}, io({ env }))).toBe(0);
  expect(printed.out).toContain("user a\\u{1b}[2J of main");
  expect(printed.out).toContain("\\u{7}me  x\\u{d}\\u{a}\\u{202e}fake\n");
  expect(printed.out.split("\n")).toHaveLength(3);
  await other.stop();
});

async function listen(server: Server): Promise<{ url: string; close(): Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
