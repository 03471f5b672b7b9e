// `portcullis watch` at a server that does to it what networks and control planes do.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { follow } from "../../src/commands/follow.ts";
import { watch } from "../../src/commands/watch.ts";
import { runHere } from "../support/command.ts";
import { startControlPlane } from "../support/control-plane.ts";
import { PORTCULLIS } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const toClose: (() => void)[] = [];
afterEach(() => {
  for (const close of toClose.splice(0)) close();
});

/** Answers its first caller with the first of `answers`, and so on; the last for all that come later. */
async function serving(...answers: readonly Answer[]): Promise<{ url: string; requests: IncomingMessage[] }> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push(request);
    answer?.(response, request);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  toClose.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const stream =
  (text: string, then: (response: ServerResponse) => void = () => undefined): Answer =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(text, () => then(response));
  };
const cut = (response: ServerResponse): void => void (response.socket as Socket).resetAndDestroy();

const eventOf = (seq: number, more: object = {}): string =>
  `id: ${seq}\ndata: ${JSON.stringify({
    type: "USER_REVOKED_AFTER_UPDATED",
    id: `r-${seq}`,
    seq,
    at: 1_700_000_000_000,
    target: { kind: "user", issuer: "main", id: "alice" },
    reason: "lost phone",
    issued_before: 1_700_000_001,
    ...more,
  })}\n\n`;

interface Watching {
  out(): string;
  err(): string;
  interrupt(): void;
  readonly ended: Promise<number>;
}

function watching(url: string, flags: { json?: boolean; after?: string } = {}): Watching {
  let out = "";
  let err = "";
  let interrupt = (): void => undefined;
  const ended = watch(flags, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readStdin: async () => ({ ok: true, value: "" }),
    stdinChunks: async function* () {},
    env: { PORTCULLIS_CONTROL_URL: url, PORTCULLIS_TOKEN: "t".repeat(40) },
    cwd: "/",
    isTerminal: false,
    isErrorTerminal: false,
    version: "0",
    program: new URL(import.meta.url),
    signals: {
      onTerminate: () => undefined,
      onInterrupt: (end) => void (interrupt = end),
      onReload: () => undefined,
    },
  });
  toClose.push(() => interrupt());
  return { out: () => out, err: () => err, interrupt: () => interrupt(), ended };
}

describe("one line an event", () => {
  test("in words; what others wrote cannot play tricks with the terminal", async () => {
    const { url, requests } = await serving(
      stream(eventOf(1) + eventOf(2, { reason: "x\u001b[2J", issued_before: undefined })),
    );
    const seen = watching(url);
    await until("both events", () => seen.out().split("\n").length === 3);
    expect(seen.out()).toBe(
      "2023-11-14 22:13:20Z  USER_REVOKED_AFTER_UPDATED  user alice of main  issued before 2023-11-14 22:13:21Z  r-1  lost phone\n" +
        "2023-11-14 22:13:20Z  USER_REVOKED_AFTER_UPDATED  user alice of main  r-2  x\\u{1b}[2J\n",
    );
    expect(seen.err()).toBe(`watching ${url}; Ctrl-C ends\n`);
    expect(requests[0]?.url).toBe("/v1/events");
    expect(requests[0]?.headers).toMatchObject({
      accept: "text/event-stream",
      authorization: `Bearer ${"t".repeat(40)}`,
    });
    seen.interrupt();
    expect(await seen.ended).toBe(0);
  });

  test("as JSON with --json, a reset included; --after says where to begin", async () => {
    const { url, requests } = await serving(
      stream(
        `event: reset\nid: 9\ndata: {"type":"RESET","seq":9,"why":"forgotten"}\n\n${eventOf(10)}data: no json\n\n`,
      ),
    );
    const seen = watching(url, { json: true, after: "3" });
    await until("the bad event", () => seen.err().includes("no JSON"));
    expect(
      seen
        .out()
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { seq: number }).seq),
    ).toEqual([9, 10]);
    expect(seen.err()).toContain("events were missed (forgotten): `portcullis list` has what stands\n");
    expect(requests[0]?.url).toBe("/v1/events?after=3");
  });
});

describe("a lost connection", () => {
  test.each<[string, Answer]>([
    ["that is cut", stream(eventOf(1), cut)],
    ["that ends in order", stream(eventOf(1), (response) => void response.end("retry: 10\n\n"))],
    ["in the middle of an event", stream(`${eventOf(1)}id: 2\ndata: {`, cut)],
  ])("%s goes on where it was, and both are said", async (_, first) => {
    const busy: Answer = (response) => void response.writeHead(503).end();
    const { url, requests } = await serving(first, busy, cut, stream(eventOf(2)));
    const seen = watching(url);
    await until("the second event", () => seen.out().includes("r-2"));
    expect(seen.out().match(/r-\d/g)).toEqual(["r-1", "r-2"]);
    expect(requests.map(({ headers }) => headers["last-event-id"])).toEqual([undefined, "1", "1", "1"]);
    const [, lost, back] = seen.err().split("\n");
    expect(lost).toMatch(/^connection lost \(.+\); trying again$/);
    expect(back).toMatch(/^connected again after \d+ s$/);
    expect(seen.err().match(/connection lost/g)).toHaveLength(1);
    seen.interrupt();
    expect(await seen.ended).toBe(0);
  });

  test("can be ended while it waits for the next try", async () => {
    const { url } = await serving(stream("retry: 14000\n\n", cut), cut);
    const seen = watching(url);
    await until("the loss", () => seen.err().includes("connection lost"));
    seen.interrupt();
    expect(await seen.ended).toBe(0);
  });

  test("is noticed by its silence", async () => {
    const { url } = await serving(stream(eventOf(1)));
    const events: string[] = [];
    const end = await follow({
      url: new URL(url),
      headers: {},
      lastEventId: "",
      signal: new AbortController().signal,
      maxSilenceMs: 200,
      onOpen: () => undefined,
      onEvent: ({ data }) => void events.push(data),
    });
    expect(end).toMatchObject({ kind: "lost", why: expect.stringMatching(/^silent/), lastEventId: "1" });
    expect(events).toHaveLength(1);
  });
});

describe("a no ends it at once with 1", () => {
  const refusing =
    (status: number, title: string): Answer =>
    (response) =>
      void response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify({ title }));

  test.each([
    [401, "The token is not known"],
    [403, "A scope is missing"],
    [404, "No such thing"],
  ])("%i, at first and later", async (status, title) => {
    const { url, requests } = await serving(refusing(status, title), stream(eventOf(1), cut), refusing(status, title));
    const first = watching(url);
    expect([await first.ended, first.out(), first.err()]).toEqual([1, "", `portcullis: ${title} (${status})\n`]);
    const second = watching(url);
    expect(await second.ended).toBe(1);
    expect(second.err()).toContain(`portcullis: ${title} (${status})\n`);
    expect(requests).toHaveLength(3);
  });

  test("nobody there, a page, a redirect, and a plane that is down when it begins", async () => {
    const page = await serving((response) => void response.end("<html>"));
    const away = await serving((response) => void response.writeHead(302, { location: "http://127.0.0.1:1/" }).end());
    const down = await serving(refusing(503, "The store is away"));
    for (const url of ["http://127.0.0.1:1", page.url, away.url, down.url]) {
      const seen = watching(url);
      expect(await seen.ended).toBe(1);
      expect(seen.err()).toMatch(/^portcullis: .+\n$/);
    }
  });

  test.each([[["watch", "--after", "x"]], [["watch", "--control", "ftp://x"]], [["watch"]]])(
    "usage: %j",
    async (args) => {
      expect(await runHere(args)).toMatchObject({ code: 2, out: "" });
    },
  );
});

describe("the process", () => {
  const env = (url: string) => ({ PORTCULLIS_CONTROL_URL: url, PORTCULLIS_TOKEN: "t".repeat(40) });

  test.each(["SIGINT", "SIGTERM"] as const)("%s ends it with 0", async (signal) => {
    const { url } = await serving(stream(eventOf(1)));
    const running = startProcess(PORTCULLIS, ["watch"], { env: env(url) });
    await running.line(/r-1/);
    running.signal(signal);
    expect(await running.end()).toBe(0);
  });

  test("a reader that goes away ends it with 0, quietly", async () => {
    const { url } = await serving((response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      let seq = 0;
      const more = setInterval(() => response.write(eventOf((seq += 1))), 20);
      toClose.push(() => clearInterval(more));
    });
    const child = spawn(
      "bash",
      ["-c", 'set -o pipefail; "$0" watch | head -n 2; echo "ended ${PIPESTATUS[0]}"', PORTCULLIS],
      {
        env: { ...process.env, ...env(url) },
      },
    );
    let out = "";
    let err = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    await once(child, "close");
    expect(out.match(/r-\d/g)).toEqual(["r-1", "r-2"]);
    expect(out).toMatch(/ended 0\n$/);
    expect(err).toBe(`watching ${url}; Ctrl-C ends\n`);
  });
});
test("the real control plane: a revocation and its lift are seen", async () => {
  const plane = await startControlPlane();
  toClose.push(() => void plane.stop());
  const env = { PORTCULLIS_CONTROL_URL: plane.url, PORTCULLIS_TOKEN: plane.tokens.admin };
  const running = startProcess(PORTCULLIS, ["watch"], { env });
  await running.line(/Ctrl-C/);
  const made = await runHere(["revoke", "session", "s-1", "--reason", "seen", "--json"], { env });
  const { id } = JSON.parse(made.out) as { id: string };
  await runHere(["unrevoke", id], { env });
  await running.line(
    new RegExp(`SESSION_REVOKED  session s-1 of main  ${id}  seen\n.*REVOCATION_LIFTED  session s-1 of main`),
  );
  running.signal("SIGINT");
  expect(await running.end()).toBe(0);
});
