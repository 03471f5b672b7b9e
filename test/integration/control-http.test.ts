// The control plane as an HTTP server: its headers, its bounds in bytes and in time, and what a request that is none
// costs others.
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { CLOSED, startControlPlane, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
});
afterAll(() => plane.stop());

/** Sends bytes as they are and returns all that comes back until the server hangs up. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on("data", (chunk) => (answer += chunk.toString()));
    socket.on("close", () => resolve(answer));
    socket.on("error", reject);
  });
}

describe("every answer is marked for nobody's cache and nobody's sniffing, and invites no other origin", () => {
  test.each([
    ["GET", "/openapi.json", 200],
    ["GET", "/v1/revocations", 200],
    ["GET", "/v1/revocations/nope", 404],
    ["GET", "/nope", 404],
    ["GET", "/v1/revocations/", 404],
    ["GET", "/v1/nope", 404],
    ["OPTIONS", "/v1/revocations", 405],
    ["PUT", "/v1/revocations", 405],
    ["POST", "/v1/check", 405],
    ["GET", "/%zz", 400],
  ])("%s %s", async (method, path, status) => {
    const answer = await plane.call(method, path, {
      token: plane.tokens.admin,
      headers: { origin: "https://evil.example" },
    });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers.get("cache-control")).toBe("no-store");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect([...answer.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(answer.headers.get("content-type")).toMatch(
      status < 400 ? /^application\/json/ : /^application\/problem\+json$/,
    );
    const problem = {
      type: expect.stringMatching(/^urn:portcullis:problem:/) as string,
      status,
      title: expect.any(String) as string,
    };
    expect(answer.json).toMatchObject(status < 400 ? {} : problem);
  });
});

test.each([
  ["/openapi.json", "GET, HEAD"],
  ["/v1/revocations", "GET, HEAD, POST"],
  ["/v1/revocations/x", "GET, HEAD, DELETE"],
  ["/v1/revocations/batch", "POST"],
  ["/v1/check", "GET, HEAD"],
])("PATCH %s is 405 and told what is allowed", async (path, allow) => {
  const answer = await plane.call("PATCH", path, { body: "{" });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
});

test("a body over 64 KiB is refused with 413, declared or not", async () => {
  const body = JSON.stringify({ target: { kind: "user", id: "a" }, reason: "x".repeat(65_536) });
  const declared = await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body });
  expect([declared.status, declared.json["code"]]).toEqual([413, "body_too_large"]);
  const head = `POST /v1/revocations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${plane.tokens.admin}\r\ncontent-type: application/json\r\nconnection: close\r\n`;
  const chunk = `8000\r\n${" ".repeat(0x8000)}\r\n`;
  expect(await raw(plane.url, `${head}transfer-encoding: chunked\r\n\r\n${chunk}${chunk}${chunk}0\r\n\r\n`)).toMatch(
    /^HTTP\/1.1 413 /,
  );
});

test.each([
  "text/plain",
  "application/x-www-form-urlencoded",
  "application/problem+json",
  "multipart/form-data; boundary=x",
])("a body of type %s is refused with 415", async (type) => {
  const answer = await plane.call("POST", "/v1/revocations", {
    token: plane.tokens.admin,
    body: "{}",
    headers: { "content-type": type },
  });
  expect([answer.status, answer.json["code"]]).toEqual([415, "unsupported_media_type"]);
});

test("a charset after the type is fine, and so is a type on a DELETE without a body", async () => {
  const body = JSON.stringify({ target: { kind: "user", id: "charset" }, reason: "r" });
  const headers = { "content-type": "application/json; charset=utf-8" };
  const posted = await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body, headers });
  expect(posted.status).toBe(201);
  const lifted = await plane.call("DELETE", `/v1/revocations/${posted.json["id"]}`, {
    token: plane.tokens.admin,
    headers,
  });
  expect(lifted.status).toBe(204);
});

test("an empty body, and a __proto__ member, are refused with 400", async () => {
  for (const body of ["", '{"target":{"kind":"everything"},"reason":"r","__proto__":{"wait":"stored"}}']) {
    const answer = await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body });
    expect(answer.status, answer.text).toBe(400);
  }
});

test.each([
  ["GARBAGE\r\n\r\n", 400],
  [`GET / HTTP/1.1\r\nhost: x\r\nx-big: ${"y".repeat(20_000)}\r\n\r\n`, 431],
  ["POST /v1/revocations HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n", 400],
])("what is no proper HTTP gets a problem and the line is cut", async (text, status) => {
  const answer = await raw(plane.url, text);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(answer).toContain("application/problem+json");
});

test.concurrent("a body that trickles in is answered with 408 after 10 s and the line is cut", async () => {
  const answer = await raw(
    plane.url,
    `POST /v1/revocations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${plane.tokens.admin}\r\n` +
      `content-type: application/json\r\ncontent-length: 100\r\n\r\n{"reason":`,
  );
  expect(answer).toMatch(/^HTTP\/1.1 408 /);
  expect(answer).toContain('"code":"request_timeout"');
});

test.concurrent("a stranger's body is not waited for longer than any other, though the route takes long ones", async () => {
  const beganMs = performance.now();
  const answer = await raw(
    plane.url,
    "POST /v1/revocations/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-ndjson\r\ncontent-length: 100\r\n\r\n{",
  );
  expect(answer).toMatch(/^HTTP\/1.1 401 /);
  expect(performance.now() - beganMs).toBeLessThan(25_000);
});

const BODY = JSON.stringify({ target: { kind: "user", id: "two-readers" }, reason: "r" });

test.each([
  ["two content types", "POST /v1/revocations", "content-type: application/json\r\ncontent-type: text/plain\r\n", 400],
  ["two hosts", "POST /v1/revocations", "content-type: application/json\r\nhost: y\r\n", 400],
  [
    "two keys",
    "POST /v1/revocations",
    "content-type: application/json\r\nidempotency-key: a\r\nidempotency-key: b\r\n",
    400,
  ],
  ["a coded body", "POST /v1/revocations", "content-type: application/json\r\ncontent-encoding: gzip\r\n", 415],
  ["two lengths", "POST /v1/revocations", "content-type: application/json\r\ncontent-length: 5\r\n", 400],
  ["an id that is no UTF-8", "GET /v1/check?kind=user&id=%ff%fe", "", 400],
  ["half an escape", "GET /v1/check?kind=user&id=100%", "", 400],
  ["a name twice", "GET /v1/check?kind=user&kind=user&id=a", "", 400],
  ["a prototype's name", "GET /v1/revocations?__proto__=x", "", 400],
])("a request that two readers could take for different ones is refused: %s", async (_what, line, headers, status) => {
  const answer = await raw(
    plane.url,
    `${line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${plane.tokens.admin}\r\nconnection: close\r\n${headers}` +
      `content-length: ${BODY.length}\r\n\r\n${BODY}`,
  );
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect((await plane.call("GET", "/v1/check?kind=user&id=two-readers")).json).toEqual({ revoked: false });
});

test("requests that come in one piece are answered in order, one after a refused body too", async () => {
  const head = `host: x\r\nauthorization: Bearer ${plane.tokens.admin}\r\n`;
  const refused = `POST /v1/revocations/batch HTTP/1.1\r\n${head}content-type: text/plain\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
  const asked = `GET /v1/check?kind=user&id=nobody HTTP/1.1\r\n${head}`;
  const answer = await raw(plane.url, `${asked}\r\n${refused}${asked}connection: close\r\n\r\n`);
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "415", "200"]);
});

test("who calls too often is told when to come back, and others are not touched", async () => {
  const small = await startControlPlane({
    callerRate: { perSecond: 0.5, burstCount: 3 },
    strangerRate: { perSecond: 0.5, burstCount: 2 },
  });
  const get = (token: string) => small.call("GET", "/v1/revocations", { token });
  const statuses = async (token: string, times: number) => {
    const seen: number[] = [];
    for (let i = 0; i < times; i++) seen.push((await get(token)).status);
    return seen;
  };
  expect(await statuses("wrong", 4)).toEqual([401, 401, 429, 429]);
  // Strangers behind the same address have not used up the callers' allowance.
  expect(await statuses(small.tokens.admin, 4)).toEqual([200, 200, 200, 429]);
  expect(await statuses(small.tokens.reader, 1)).toEqual([200]);
  const limited = await get(small.tokens.admin);
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await small.call("GET", "/openapi.json", {})).status).toBe(429);
  await small.stop();
});

test("stopping lets a running request finish, takes no new ones, and cuts off who never ends", async () => {
  let release = (): void => undefined;
  const begun = vi.fn<() => void>();
  const slow = await startControlPlane({
    around: (store) => ({
      ...store,
      list: async (query) => {
        begun();
        await new Promise<void>((resolve) => (release = resolve));
        return store.list(query);
      },
    }),
  });
  const running = slow.call("GET", "/v1/revocations");
  await vi.waitFor(() => expect(begun).toHaveBeenCalledTimes(1));
  const stopped = slow.stop();
  release();
  expect((await running).status).toBe(200);
  await stopped;
  await expect(slow.call("GET", "/openapi.json")).rejects.toThrow("fetch failed");

  const stuck = await startControlPlane();
  const { hostname, port } = new URL(stuck.url);
  const socket = connect(Number(port), hostname, () => socket.write("POST /v1/revocations HTTP/1.1\r\nhost: x\r\n"));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.once("connect", resolve));
  await stuck.stop();
  await closed;
});

test("a port that is taken is told by the system's error", async () => {
  const { createControlServer } = await import("../../src/control/server.ts");
  const nobody = () => Promise.reject(new Error("nobody asks"));
  const second = createControlServer({
    store: plane.store,
    issuers: [],
    keyPrefix: "",
    tokens: [],
    secondPerson: [],
    authenticators: [],
    ingress: CLOSED,
    explain: async () => ({}),
    introspect: nobody,
    audit: { start() {}, async stop() {}, async record() {}, refused() {}, page: nobody, verify: nobody },
    version: "0",
    clock: { now: () => ({ monotonicMs: 0, wallMs: 0 }) },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    listen: { host: "127.0.0.1", port: Number(new URL(plane.url).port) },
  });
  await expect(second.start()).rejects.toMatchObject({ code: "EADDRINUSE" });
  await second.stop(100);
});
