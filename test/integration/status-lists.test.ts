// Token Status Lists at a real sidecar: real lists over HTTP, signed by the issuer of the tokens.

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startSidecar, token as signedByIssuer, type Answer, type SidecarUnderTest } from "../support/sidecar.ts";
import { createTestKey, type Json } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const ISSUER = "https://id.example.com";
const stranger = createTestKey("ES256", "k1");
const nowS = () => Math.floor(Date.now() / 1_000);

/** What is at a path: a list, or something in its place. */
type Served = (response: ServerResponse) => unknown;
const served = new Map<string, Served>();
const asked: string[] = [];
let http: Server;
let base: string;
let sidecar: SidecarUnderTest;
let plain: SidecarUnderTest;

beforeAll(async () => {
  http = createServer((request, response) => {
    asked.push(request.url ?? "");
    const at = served.get(request.url ?? "");
    if (request.headers.accept !== "application/statuslist+jwt" || at === undefined)
      return response.writeHead(404).end();
    return at(response);
  });
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  base = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const issuer = (more: string): string => `issuers:
  - { issuer: ${ISSUER}, jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256]${more} }
store: { type: memory }
deadline: 5s
tiers:
  critical: { maxStaleness: 0s }
  low: { maxStaleness: 1s, failOpenFor: 1h }
routes: [{ path: /low, tier: low }]
`;
  [sidecar, plain] = await Promise.all([
    startSidecar(issuer(`, statusLists: { uris: ["${base}/lists/"], maxStaleness: 1m }`)),
    startSidecar(issuer("")),
  ]);
});
afterAll(async () => {
  await Promise.all([sidecar.stop(), plain.stop()]);
  http.closeAllConnections();
  await new Promise((closed) => http.close(closed));
});

let count = 0;
/** A path of its own. */
const path = (): string => `/lists/${(count += 1)}`;

/** What a list does not say, and an access token does. */
const NO_ACCESS_TOKEN = { iss: undefined, aud: undefined, jti: undefined, sid: undefined, exp: undefined };

interface ListChanges {
  readonly claims?: Json;
  readonly header?: Json;
  readonly key?: typeof stranger;
}

/** A list of one-bit statuses at `at`, signed as the issuer's tokens are; what is undefined in the claims is left out. */
function list(at: string, statuses: readonly number[], { claims = {}, header = {}, key }: ListChanges = {}): string {
  const packed = Buffer.from([statuses.reduce((byte, status, index) => byte | (status << index), 0)]);
  const all = {
    ...NO_ACCESS_TOKEN,
    sub: `${base}${at}`,
    iat: nowS(),
    ttl: 3_600,
    status_list: { bits: 1, lst: deflateSync(packed, { level: 9 }).toString("base64url") },
    ...claims,
  };
  return signedByIssuer(all, { typ: "statuslist+jwt", ...header }, key);
}

function serveList(at: string, text: string | (() => string)): void {
  served.set(at, (response) =>
    response
      .writeHead(200, { "content-type": "application/statuslist+jwt" })
      .end(typeof text === "string" ? text : text()),
  );
}

const tokenAt = (at: string, idx: number): string =>
  signedByIssuer({ status: { status_list: { idx, uri: `${base}${at}` } } });
const check = (token: string, route = "/critical", of = sidecar): Promise<Answer> => of.check({ path: route, token });
const reasonOf = async (answer: Promise<Answer>): Promise<unknown> => (await answer).metadata["reason"];

test("a token that its list calls valid is let in, others of the list are refused", async () => {
  const at = path();
  serveList(at, list(at, [0, 1, 0, 1]));
  const reasons = await Promise.all([0, 1, 2, 3].map((idx) => reasonOf(check(tokenAt(at, idx)))));
  expect(reasons).toEqual(["ok", "revoked", "ok", "revoked"]);
  expect(asked.filter((url) => url === at)).toHaveLength(1); // calls that come together share the fetch
});

test("every status but valid is refused: suspended, application specific, reserved", async () => {
  const at = path();
  const lst = deflateSync(Buffer.from([0x00, 0x02, 0x03, 0x0b, 0xff])).toString("base64url");
  serveList(at, list(at, [], { claims: { status_list: { bits: 8, lst } } }));
  const reasons = await Promise.all([0, 1, 2, 3, 4].map((idx) => reasonOf(check(tokenAt(at, idx)))));
  expect(reasons).toEqual(["ok", "revoked", "revoked", "revoked", "revoked"]);
});

test("an index beyond the list is refused: nothing is said of it (§8.3)", async () => {
  const at = path();
  serveList(at, list(at, [0]));
  expect(await reasonOf(check(tokenAt(at, 8)))).toBe("claim_invalid");
});

test.each([
  ["elsewhere", () => ({ idx: 0, uri: `${base}/elsewhere` })],
  ["up and out", () => ({ idx: 0, uri: `${base}/lists/../elsewhere` })],
  ["on another machine", () => ({ idx: 0, uri: "https://127.0.0.1.example.com/lists/1" })],
  ["without an index", () => ({ uri: `${base}/lists/1` })],
])("a status that stands %s is refused, and nobody is asked", async (_what, status_list) => {
  const before = asked.length;
  expect(await reasonOf(check(signedByIssuer({ status: { status_list: status_list() } })))).toBe("claim_invalid");
  expect(asked.length).toBe(before);
});

test("a token without a status is judged as ever, and nobody is asked", async () => {
  const before = asked.length;
  expect((await check(signedByIssuer())).status).toBe(200);
  expect(asked.length).toBe(before);
});

test("where it is not configured a status is not looked at, and nobody is asked", async () => {
  const at = path();
  serveList(at, list(at, [1]));
  expect((await check(tokenAt(at, 0), "/critical", plain)).status).toBe(200);
  expect(asked).not.toContain(at);
});

const lstOf = (bytes: Buffer): string => deflateSync(bytes, { level: 9 }).toString("base64url");

describe("what is no list of the issuer's says nothing: 503, and nobody is let in", () => {
  test.each<[string, (at: string) => string]>([
    ["signed by a stranger", (at) => list(at, [0], { key: stranger })],
    ["of another type: an access token", (at) => list(at, [0], { header: { typ: "at+jwt" } })],
    ["of no type", (at) => list(at, [0], { header: { typ: undefined } })],
    ["of another issuer", (at) => list(at, [0], { claims: { iss: "https://other.example.com" } })],
    ["another list (sub)", (at) => list(at, [0], { claims: { sub: `${base}/lists/other` } })],
    ["without iat", (at) => list(at, [0], { claims: { iat: undefined } })],
    ["from the future", (at) => list(at, [0], { claims: { iat: nowS() + 600 } })],
    ["expired", (at) => list(at, [0], { claims: { iat: nowS() - 50, exp: nowS() - 40 } })],
    ["older than was declared", (at) => list(at, [0], { claims: { iat: nowS() - 90 } })],
    ["of three bits", (at) => list(at, [0], { claims: { status_list: { bits: 3, lst: lstOf(Buffer.alloc(1)) } } })],
    ["not packed", (at) => list(at, [0], { claims: { status_list: { bits: 1, lst: "AAAA" } } })],
    ["not base64url", (at) => list(at, [0], { claims: { status_list: { bits: 1, lst: "eNrb+/==" } } })],
    ["a bomb", (at) => list(at, [0], { claims: { status_list: { bits: 1, lst: lstOf(Buffer.alloc(30_000_000)) } } })],
    ["no token", () => "nonsense"],
    ["too long", () => "a".repeat(3_000_000)],
  ])("%s", async (_what, textOf) => {
    const at = path();
    serveList(at, textOf(at));
    expect(await reasonOf(check(tokenAt(at, 0)))).toBe("keys_unavailable");
  });

  test.each<[string, Served]>([
    ["an error", (response) => response.writeHead(500).end()],
    ["a redirect", (response) => response.writeHead(302, { location: `${base}/lists/1` }).end()],
    ["another media type", (response) => response.writeHead(200, { "content-type": "text/html" }).end("x")],
    ["a broken connection", (response) => response.destroy()],
  ])("%s", async (_what, answer) => {
    const at = path();
    served.set(at, answer);
    expect(await reasonOf(check(tokenAt(at, 0)))).toBe("keys_unavailable");
    serveList(at, list(at, [0]));
    await until("it to be read again", async () => (await check(tokenAt(at, 0))).status === 200);
  });
});

test("a list that is out leaves it to the tier: refused, or let in within the grace, marked; what it called invalid never", async () => {
  const at = path();
  // Good for a few seconds more.
  serveList(at, list(at, [0, 1], { claims: { iat: nowS() - 56, ttl: 1 } }));
  expect((await check(tokenAt(at, 0))).metadata).toMatchObject({ decision: "allow", assurance: "live" });
  served.set(at, (response) => response.writeHead(503).end());
  await until("the list to be too old", async () => (await reasonOf(check(tokenAt(at, 0)))) === "keys_unavailable");
  expect((await check(tokenAt(at, 0), "/low")).metadata).toMatchObject({ decision: "allow", assurance: "fail-open" });
  expect(await reasonOf(check(tokenAt(at, 1), "/low"))).toBe("revoked");
});

test("a list is looked for again when its ttl is over, and what changed in it counts", async () => {
  const at = path();
  let statuses = [0];
  serveList(at, () => list(at, statuses, { claims: { ttl: 1 } }));
  const token = tokenAt(at, 0);
  expect((await check(token)).status).toBe(200);
  statuses = [1];
  await until("the change", async () => (await reasonOf(check(token))) === "revoked");
});

test("an older copy of a list does not undo a newer one", async () => {
  const at = path();
  let iat = nowS();
  let statuses = [1];
  serveList(at, () => list(at, statuses, { claims: { ttl: 1, iat } }));
  expect(await reasonOf(check(tokenAt(at, 0)))).toBe("revoked");
  iat -= 30;
  statuses = [0];
  const before = asked.length;
  await until("it to be asked for again", async () => {
    expect(await reasonOf(check(tokenAt(at, 0)))).toBe("revoked");
    return asked.length > before + 1;
  });
});

test("a list that is too old whenever it comes is asked for once a second, however many tokens name it", async () => {
  const at = path();
  serveList(at, list(at, [0], { claims: { iat: nowS() - 120 } }));
  const beganAtMs = performance.now();
  for (let i = 0; i < 40; i += 1) expect(await reasonOf(check(tokenAt(at, 0)))).toBe("keys_unavailable");
  const mostAsked = 1 + (performance.now() - beganAtMs) / 1_000;
  expect(asked.filter((url) => url === at).length).toBeLessThanOrEqual(mostAsked);
});

test("addresses inside are not called, unless the configuration says so", async () => {
  const own = await startSidecar(`issuers:
  - issuer: ${ISSUER}
    jwks: { file: jwks.json }
    audiences: [orders-api]
    algorithms: [ES256]
    statusLists: { uris: ["https://10.255.255.1/"], maxStaleness: 1m }
store: { type: memory }
deadline: 5s
`);
  const at = (uri: string) => check(signedByIssuer({ status: { status_list: { idx: 0, uri } } }), "/", own);
  expect(await reasonOf(at("https://10.255.255.1/list"))).toBe("keys_unavailable");
  await until("the log", () => own.process.output().includes("not of the public internet"));
  await own.stop();
});
