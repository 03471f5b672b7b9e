// Trap 21: what an identity provider's JWKS endpoint can do to those who trust it. Whatever it does, the last good keys
// stay, nobody waits for it beyond his deadline, and it is read again.
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  jwksOf,
  keySourceOn,
  serve,
  serveText,
  startJwksServer,
  type Answer,
  type JwksServer,
  type TestKeySource,
} from "../support/jwks-server.ts";
import { createTestKey } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const key = createTestKey("ES256", "k1");
const good = serve(jwksOf(key));
const hang: Answer = () => undefined;
const READ_TIMEOUT_MS = 5_000;

let server: JwksServer;
let trap: JwksServer;
let reader: TestKeySource;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  [server, trap] = await Promise.all([startJwksServer(good), startJwksServer(good)]);
  reader = keySourceOn(`${server.url}/jwks`);
});

afterEach(async () => {
  await reader.source.stop();
  vi.useRealTimers();
  await Promise.all([server.stop(), trap.stop()]);
});

/** Lets the next planned reading begin and resolves with its result; where the server hangs, its time runs out. */
async function nextReading(timesOut = false): Promise<string | undefined> {
  const [readings, requests] = [reader.fetched.length, server.requests.length];
  vi.advanceTimersToNextTimer();
  if (timesOut) {
    await until("the request", () => server.requests.length > requests);
    vi.advanceTimersByTime(READ_TIMEOUT_MS);
  }
  await until("the reading to end", () => reader.fetched.length > readings);
  return reader.fetched[readings];
}

const faults: readonly (readonly [what: string, result: string, why: RegExp, answer: Answer])[] = [
  ["500", "error", /500/, (_request, response) => void response.writeHead(500).end()],
  ["404", "error", /404/, (_request, response) => void response.writeHead(404).end()],
  ["204", "error", /204/, (_request, response) => void response.writeHead(204).end()],
  ["hanging", "error", /timed out/, hang],
  ["a connection cut at once", "error", /ECONNRESET/, (request) => void request.socket.destroy()],
  [
    "a body cut short",
    "error",
    /ECONNRESET/,
    (request, response) => {
      response.writeHead(200, { "content-length": "1000" }).write('{"keys":[');
      setImmediate(() => request.socket.destroy());
    },
  ],
  [
    "a body that drips",
    "error",
    /timed out/,
    (_request, response) => {
      const drip = setInterval(() => response.write(" "), 5);
      response.on("close", () => clearInterval(drip));
    },
  ],
  ["200 000 keys", "refused", /larger|more than 100/, serve(Array.from({ length: 200_000 }, () => ({ kty: "EC" })))],
  ["200 000 keys of two bytes", "refused", /more than 100/, serve(Array.from({ length: 200_000 }, () => ({})))],
  [
    "101 good keys",
    "refused",
    /more than 100/,
    serve(Array.from({ length: 101 }, (_, i) => ({ ...key.jwk, kid: `k${i}` }))),
  ],
  ["more than 1 MiB", "refused", /larger/, serveText(Buffer.alloc(1024 * 1024 + 1, 0x20))],
  [
    "more than 1 MiB without saying so",
    "refused",
    /larger/,
    (_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" });
      for (let i = 0; i < 20; i += 1) response.write(Buffer.alloc(64 * 1024, 0x20));
      response.end();
    },
  ],
  [
    "a compressed bomb",
    "refused",
    /encoded/,
    serveText(gzipSync(Buffer.alloc(10_000_000)), { "content-encoding": "gzip" }),
  ],
  ["HTML", "refused", /JSON/, serveText("<html></html>")],
  ["bytes that are no UTF-8", "refused", /UTF-8/, serveText(Buffer.from([0x7b, 0xff, 0x7d]))],
  ["no keys", "refused", /no usable key/, serve([])],
  ["no usable key", "refused", /no usable key/, serve([{ kty: "oct", k: "AA" }])],
  [
    "a redirect to a link-local address",
    "refused",
    /redirect/,
    (_request, response) => void response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
  ],
];

const timesOut = (why: RegExp): boolean => why.source === "timed out";

describe.each(faults)("%s", (_what, result, why, answer) => {
  test("keeps the last good keys, is told apart, and passes", async () => {
    await reader.source.start();
    server.answer = answer;
    expect(await nextReading(timesOut(why))).toBe(result);
    expect(reader.kids()).toEqual(["k1"]);
    expect(reader.source.status().lastError).toMatch(why);
    server.answer = serve(jwksOf(key, createTestKey("ES256", "k2")));
    expect(await nextReading()).toBe("ok");
    expect(reader.kids()).toEqual(["k1", "k2"]);
    expect(reader.source.status().lastError).toBeUndefined();
  });

  test("at start leaves no keys, and they come with the server", async () => {
    server.answer = answer;
    const started = reader.source.start();
    await until("the request", () => server.requests.length === 1);
    if (timesOut(why)) vi.advanceTimersByTime(READ_TIMEOUT_MS);
    await started;
    expect(reader.fetched).toEqual([result]);
    expect(reader.source.status()).toMatchObject({ hasKeys: false, keyCount: 0, lastReadWallMs: undefined });
    server.answer = good;
    expect(await nextReading()).toBe("ok");
    expect(reader.kids()).toEqual(["k1"]);
  });
});

test("a redirect is not followed, wherever it leads", async () => {
  server.answer = (_request, response) => void response.writeHead(307, { location: `${trap.url}/jwks` }).end();
  await reader.source.start();
  expect(reader.fetched).toEqual(["refused"]);
  expect(trap.connectionCount()).toBe(0);
});

test("down keeps the last good keys for 24 hours and no longer", async () => {
  await reader.source.start();
  await server.stop();
  expect(await nextReading()).toBe("error");
  expect(reader.source.status().lastError).toBe("ECONNREFUSED");
  reader.clock.advance(24 * 3_600_000 - 60_000);
  expect(reader.kids()).toEqual(["k1"]);
  reader.clock.advance(60_000);
  expect(reader.source.current(reader.clock.now()).keys.size).toBe(0);
  expect(reader.source.status()).toMatchObject({ hasKeys: false });
});

test("a failing server is asked ever more seldom, a minute apart at most", async () => {
  await reader.source.start();
  server.answer = (_request, response) => void response.writeHead(503).end();
  const planned = vi.spyOn(globalThis, "setTimeout");
  const delaysMs: number[] = [];
  for (let failure = 0; failure < 12; failure += 1) {
    expect(await nextReading()).toBe("error");
    delaysMs.push(Number(planned.mock.lastCall?.[1]));
  }
  planned.mockRestore();
  const longestMs = delaysMs.map((_, failure) => Math.min(60_000, 500 * 2 ** failure));
  expect(
    delaysMs.every((ms, i) => ms <= (longestMs[i] ?? 0) && ms >= (longestMs[i] ?? 0) / 2),
    delaysMs.join(" "),
  ).toBe(true);
});

test("without keys it is tried again every five seconds or sooner", async () => {
  server.answer = (_request, response) => void response.writeHead(503).end();
  await reader.source.start();
  const planned = vi.spyOn(globalThis, "setTimeout");
  for (let failure = 0; failure < 12; failure += 1) await nextReading();
  const longestMs = Math.max(...planned.mock.calls.map(([, delayMs]) => Number(delayMs)));
  planned.mockRestore();
  expect(longestMs).toBeLessThanOrEqual(5_000);
});

test.each([
  ["says nothing", {}, 240, 300],
  ["says ten minutes", { "cache-control": "public, max-age=600" }, 480, 600],
  ["says a day", { "cache-control": "max-age=86400" }, 720, 900],
  ["says not at all", { "cache-control": "max-age=0, no-store" }, 48, 60],
])("keys are refreshed ahead in the background when the server %s", async (_what, headers, earliestS, latestS) => {
  server.answer = serve(jwksOf(key), headers);
  const planned = vi.spyOn(globalThis, "setTimeout");
  await reader.source.start();
  expect(planned.mock.lastCall?.[1]).toBeGreaterThanOrEqual(earliestS * 1000);
  expect(planned.mock.lastCall?.[1]).toBeLessThanOrEqual(latestS * 1000);
  planned.mockRestore();
  expect(await nextReading()).toBe("ok");
});

test("nobody waits for a hanging server beyond his deadline, nor for a refresh at all", async () => {
  await reader.source.start();
  server.answer = hang;
  const answered = vi.fn<() => void>();
  void reader.refetch("k2", 150).then(answered);
  await until("the request", () => server.requests.length === 2);
  expect(reader.kids()).toEqual(["k1"]);
  vi.advanceTimersByTime(100);
  expect(answered).not.toHaveBeenCalled();
  vi.advanceTimersByTime(51);
  await until("the answer", () => answered.mock.calls.length === 1);
});

test("whoever waits when it is stopped is answered, and nothing is asked after that", async () => {
  await reader.source.start();
  server.answer = hang;
  const waiting = reader.refetch("k2", 60_000);
  await until("the request", () => server.requests.length === 2);
  await reader.source.stop();
  expect(vi.getTimerCount(), "no timer is left").toBe(0);
  expect([...(await waiting).byKid.keys()]).toEqual(["k1"]);
  expect([...(await reader.refetch("k3")).byKid.keys()]).toEqual(["k1"]);
  expect(server.requests).toHaveLength(2);
});

test("bad neighbours are dropped and counted once per document, not once per refresh", async () => {
  server.answer = serve([key.jwk, { kty: "oct", k: "AA", kid: "secret" }]);
  await reader.source.start();
  expect(await nextReading()).toBe("ok");
  expect(reader.dropped).toEqual(["symmetric"]);
  expect(reader.kids()).toEqual(["k1"]);
});
