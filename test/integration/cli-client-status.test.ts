// `portcullis status` against a real ops listener: what is wrong stands out, and who else answers there is told as
// such.
import { afterEach, expect, test } from "vitest";
import type { CommandIo } from "../../src/commands/io.ts";
import { status } from "../../src/commands/status.ts";
import { judgeReadiness } from "../../src/ops/readiness.ts";
import { createOpsServer } from "../../src/ops/server.ts";
import type { StatusFacts } from "../../src/ops/status.ts";

let printed = { out: "", err: "" };
afterEach(() => {
  printed = { out: "", err: "" };
});

function io(env: Record<string, string> = {}): CommandIo {
  return {
    out: (text) => void (printed.out += text),
    err: (text) => void (printed.err += text),
    readStdin: async () => ({ ok: true, value: "" }),
    stdinChunks: async function* () {},
    env,
    cwd: "/",
    isTerminal: false,
    isErrorTerminal: false,
    version: "0",
    program: new URL(import.meta.url),
    signals: { onTerminate: () => undefined, onInterrupt: () => undefined, onReload: () => undefined },
  };
}

const FACTS: StatusFacts = {
  version: "1.2.3",
  upForMs: 7_400_000,
  ready: true,
  store: { type: "redis", describe: "redis 127.0.0.1:6379", reachable: true, unfit: undefined, lastAnswerAgeMs: 3 },
  replica: {
    entryCount: 1_200,
    seq: 1_431,
    lagMs: 420,
    isPushed: true,
    why: "the feed cannot be read (auth: XREAD: Redis said NOPERM)",
  },
  breaker: "closed",
  issuers: [
    { id: "main", keyCount: 2, keysAgeMs: 30_000 },
    { id: "partner", keyCount: 0, keysAgeMs: undefined },
  ],
  decisions: { allowPerSecond: 1_200, denyPerSecond: 3.1, failOpenPerSecond: 0 },
  observing: undefined,
  inFlightCount: 12,
};

async function withSidecar(facts: StatusFacts, act: (url: string) => Promise<void>): Promise<void> {
  const server = createOpsServer({
    listen: { host: "127.0.0.1", port: 0 },
    readiness: () =>
      judgeReadiness(
        {
          store: { answeredOnce: true, reachable: true, unfit: undefined },
          replica: undefined,
          issuers: [],
          isObserving: false,
        },
        false,
        0,
      ),
    metrics: async () => ({ contentType: "text/plain", body: "" }),
    status: () => facts,
    identityJwks: () => undefined,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  await act(await server.start());
  await server.stop();
}

test("one screen says how the sidecar is", async () => {
  await withSidecar(FACTS, async (url) => {
    expect(await status({ ops: url }, io())).toBe(0);
  });
  expect(printed.out).toBe(`\
portcullis    1.2.3, up 2 h, ready
store         redis, redis 127.0.0.1:6379: up, answered 3 ms ago
replica       1200 entries, seq 1431, current 420 ms ago; other writers heard by push; the feed cannot be read (auth: XREAD: Redis said NOPERM)
breaker       closed
keys main     2, read 30 s ago
keys partner  NONE
decisions/s   1200 allowed (0 of them fail-open), 3.1 denied
in flight     12
`);
});

test("what is wrong stands out", async () => {
  const store = {
    type: "redis",
    describe: "redis",
    reachable: false,
    unfit: "evicts\u001b[2J",
    lastAnswerAgeMs: undefined,
  };
  await withSidecar({ ...FACTS, ready: false, store, breaker: "open" }, async (url) => {
    expect(await status({}, io({ PORTCULLIS_OPS_URL: url }))).toBe(0);
  });
  expect(printed.out).toContain("NOT READY");
  expect(printed.out).toContain("DOWN, never answered; UNFIT: evicts\\u{1b}[2J\n");
  expect(printed.out).toContain("breaker       open\n");
});

test("--json prints what the sidecar says", async () => {
  await withSidecar(FACTS, async (url) => {
    expect(await status({ ops: url, json: true }, io())).toBe(0);
  });
  expect(JSON.parse(printed.out)).toMatchObject({ version: "1.2.3", in_flight: 12, breaker: "closed" });
});

test("nobody there, or somebody else, is told with the address; a URL that is none is a usage error", async () => {
  let gone = "";
  await withSidecar(FACTS, async (url) => {
    gone = url;
    expect(await status({ ops: `${url}/elsewhere` }, io())).toBe(1);
  });
  expect(printed.err).toContain(`${gone}/elsewhere/status answered, and not as a sidecar does`);
  expect(await status({ ops: gone }, io())).toBe(1);
  expect(printed.err).toContain(`nothing listens at ${gone}`);
  expect(await status({ ops: "localhost" }, io())).toBe(2);
});
