// Trap 21: strangers choose the kid of a token before anything of it is verified. They must not choose our traffic.
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  jwksOf,
  keySourceOn,
  serve,
  startJwksServer,
  type JwksServer,
  type TestKeySource,
} from "../support/jwks-server.ts";
import {
  base64url,
  createTestKey,
  goodClaims,
  issuerWith,
  reasonOf,
  signToken,
  verifierFor,
} from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const key = createTestKey("ES256", "k1");
let server: JwksServer;
let reader: TestKeySource;

beforeEach(async () => {
  server = await startJwksServer(serve(jwksOf(key)));
  reader = keySourceOn(`${server.url}/jwks`);
  await reader.source.start();
});

afterEach(async () => {
  await reader.source.stop();
  await server.stop();
});

const verifier = () => verifierFor([issuerWith(reader.source, ["ES256"])]);

/** What is told beside `unknown_key` of a token under this kid. */
async function isKeyUnread(kid: string): Promise<boolean | undefined> {
  const outcome = await verifier().verifyLater(signToken(key, goodClaims(), { kid }));
  expect(reasonOf(outcome)).toBe("unknown_key");
  return outcome.ok ? undefined : outcome.error.isKeyUnread;
}

test("thousands of unknown kids cost three fetches", async () => {
  const { verifyLater } = verifier();
  const [, payload, signature] = signToken(key, goodClaims()).split(".");
  const reasons = new Set<string>();
  for (let i = 0; i < 5_000; i += 1) {
    const header = base64url(JSON.stringify({ alg: "ES256", kid: `made-up-${i}`, typ: "at+jwt" }));
    reasons.add(reasonOf(await verifyLater(`${header}.${payload}.${signature}`)));
  }
  expect([...reasons]).toEqual(["unknown_key"]);
  expect(await isKeyUnread("k2")).toBe(true);
  expect(server.requests).toHaveLength(1 + 3);
  expect(reasonOf(await verifyLater(signToken(key, goodClaims())))).toBe("ok");
});

test("many at once share one fetch", async () => {
  const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => reader.refetch(`k${i + 2}`)));
  expect(answers.every((keys) => keys.byKid.has("k1"))).toBe(true);
  expect(server.requests).toHaveLength(2);
});

test("a kid found absent causes no second fetch until that is forgotten", async () => {
  await reader.refetch("k2");
  for (let i = 0; i < 50; i += 1) await reader.refetch("k2");
  expect(server.requests).toHaveLength(2);
  server.answer = serve(jwksOf(key, createTestKey("ES256", "k2")));
  reader.clock.advance(30_001);
  expect((await reader.refetch("k2")).byKid.has("k2")).toBe(true);
  expect(server.requests).toHaveLength(3);
});

test("a failed fetch is no proof that a kid is absent", async () => {
  server.answer = (_request, response) => void response.writeHead(500).end();
  expect(await isKeyUnread("k2")).toBe(true);
  server.answer = serve(jwksOf(key, createTestKey("ES256", "k2")));
  expect((await reader.refetch("k2")).byKid.has("k2")).toBe(true);
});

test("a kid that a good reading lacked is told from one that nobody could look for", async () => {
  expect(await isKeyUnread("k2")).toBeUndefined();
  expect(await isKeyUnread("k2")).toBeUndefined();
  await reader.refetch("k3");
  await reader.refetch("k4");
  expect(await isKeyUnread("k5")).toBe(true);
});

test("tokens without a kid never cause a fetch", async () => {
  const { verifyLater } = verifier();
  server.answer = serve(jwksOf(key, createTestKey("ES256", "k2")));
  await reader.refetch("k2");
  const fetches = server.requests.length;
  for (let i = 0; i < 100; i += 1) {
    expect(reasonOf(await verifyLater(signToken(key, goodClaims({ jti: `t${i}` }), { kid: undefined })))).toBe(
      "unknown_key",
    );
  }
  expect(server.requests).toHaveLength(fetches);
});

test("a flood against a hanging server leaves most callers unwaiting", async () => {
  server.answer = () => undefined;
  let waiting = 0;
  const all = Array.from({ length: 2_000 }, (_, i) => {
    waiting += 1;
    return reader.refetch(`made-up-${i}`, 1_000).then(() => (waiting -= 1));
  });
  await until("those without a place to be answered", () => waiting <= 256, 900);
  await Promise.all(all);
  expect(server.requests).toHaveLength(2);
});
