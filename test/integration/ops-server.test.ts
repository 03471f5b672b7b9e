// What the ops listener answers on each of its paths, and that slow clients hold up neither it nor the stop.
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { judgeReadiness, type ReadinessFacts } from "../../src/ops/readiness.ts";
import { createOpsServer, type OpsOptions, type OpsServer } from "../../src/ops/server.ts";
import type { StatusFacts } from "../../src/ops/status.ts";

const STATUS: StatusFacts = {
  version: "1.2.3",
  upForMs: 61_000.4,
  ready: true,
  store: { type: "redis", describe: "redis 127.0.0.1:6379", reachable: true, unfit: undefined, lastAnswerAgeMs: 3.6 },
  replica: undefined,
  breaker: "closed",
  issuers: [{ id: "main", keyCount: 2, keysAgeMs: undefined }],
  decisions: { allowPerSecond: 10.5, denyPerSecond: 0.2, failOpenPerSecond: 0 },
  observing: undefined,
  inFlightCount: 4,
};
const READY: ReadinessFacts = {
  store: { answeredOnce: true, reachable: true, unfit: undefined },
  replica: undefined,
  issuers: [{ id: "main", hasKeys: true }],
  isObserving: false,
};

const running: OpsServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
});

async function start(options: Partial<OpsOptions> = {}): Promise<string> {
  const server = createOpsServer({
    listen: { host: "127.0.0.1", port: 0 },
    readiness: () => judgeReadiness(READY, false, 0),
    metrics: async (accept) => ({ contentType: "text/plain; version=0.0.4", body: `accept ${accept}\n` }),
    status: () => STATUS,
    identityJwks: () => undefined,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    ...options,
  });
  running.push(server);
  return server.start();
}

test("/livez says that the process works", async () => {
  const answer = await fetch(`${await start()}/livez`);
  expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
});

test("the keys of signed identity are there where there are any, for verifiers to keep a while", async () => {
  const signing = await fetch(`${await start({ identityJwks: () => '{"keys":[]}\n' })}/.well-known/jwks.json`);
  expect([signing.status, await signing.text()]).toEqual([200, '{"keys":[]}\n']);
  expect(signing.headers.get("content-type")).toBe("application/jwk-set+json");
  expect(signing.headers.get("cache-control")).toBe("public, max-age=300");
  const other = await fetch(`${await start()}/.well-known/jwks.json`);
  expect([other.status, other.headers.get("cache-control")]).toEqual([404, "no-store"]);
});

test("/readyz names each component and is 200 or 503", async () => {
  let draining = false;
  const url = await start({ readiness: () => judgeReadiness(READY, draining, 0) });
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, ready.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(await ready.json()).toEqual({
    ready: true,
    components: { "keys:main": { state: "ready" }, store: { state: "ready" }, draining: { state: "ready" } },
  });
  draining = true;
  const drained = await fetch(`${url}/readyz`);
  expect(drained.status).toBe(503);
  expect(await drained.json()).toMatchObject({ ready: false, components: { draining: { state: "not_ready" } } });
});

test("/metrics is in the form that was asked for", async () => {
  const answer = await fetch(`${await start()}/metrics`, { headers: { accept: "application/openmetrics-text" } });
  expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4");
  expect(await answer.text()).toBe("accept application/openmetrics-text\n");
});

test("/status tells the facts in snake_case with their units", async () => {
  expect(await (await fetch(`${await start()}/status`)).json()).toEqual({
    version: "1.2.3",
    up_for_ms: 61_000,
    ready: true,
    store: { type: "redis", describe: "redis 127.0.0.1:6379", reachable: true, unfit: null, last_answer_age_ms: 4 },
    replica: null,
    breaker: "closed",
    issuers: [{ id: "main", keys: 2, keys_age_ms: null }],
    decisions_per_second: { allow: 10.5, deny: 0.2, fail_open: 0 },
    in_flight: 4,
    mode: "enforce",
    would_deny: null,
  });
});

test.each([
  ["GET", "/", 404],
  ["GET", "/livez/", 404],
  ["GET", "/livez?verbose=1", 200],
  ["HEAD", "/readyz", 200],
  ["POST", "/livez", 405],
  ["DELETE", "/metrics", 405],
  ["POST", "/nope", 404],
])("%s %s is %i", async (method, path, status) => {
  const answer = await fetch(`${await start()}${path}`, {
    method,
    ...(method === "POST" ? { body: "x".repeat(100_000) } : {}),
  });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(answer.headers.get("allow")).toBe(status === 405 ? "GET, HEAD" : null);
  expect((await answer.text()) === "").toBe(method === "HEAD");
});

test("metrics that cannot be made are a 500, and the process works on", async () => {
  const url = await start({ metrics: () => Promise.reject(new Error("secret detail")) });
  const answer = await fetch(`${url}/metrics`);
  expect([answer.status, (await answer.text()).includes("secret")]).toEqual([500, false]);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

test("clients that send nothing, send slowly or take nothing hold nobody up, nor the stop", async () => {
  const url = await start({ metrics: async () => ({ contentType: "text/plain", body: "x".repeat(20_000_000) }) });
  const { hostname, port } = new URL(url);
  const open = (text: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(text);
        resolve(socket);
      });
      socket.on("error", reject);
    });
  const sockets = [
    await open(""),
    await open("GET /livez HTTP/1.1\r\nhost:"),
    await open("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"),
  ];
  sockets[2]?.pause();
  for (let i = 0; i < 20; i++) expect((await fetch(`${url}/livez`)).status).toBe(200);
  const closed = sockets.map(
    (socket) =>
      new Promise((resolve) =>
        socket
          .on("error", () => undefined)
          .on("close", resolve)
          .resume(),
      ),
  );
  await running.pop()?.stop();
  await Promise.all(closed);
});
