// Traps 16 and 21: keys come, overlap and go; cached tokens go with the key that verified them.
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
  createTestKey,
  goodClaims,
  issuerWith,
  recordingSpan,
  reasonOf,
  signToken,
  verifierFor,
  type TestVerifier,
} from "../support/tokens.ts";

const [old, next, last] = ["old", "next", "last"].map((kid) => createTestKey("ES256", kid)) as [
  ReturnType<typeof createTestKey>,
  ReturnType<typeof createTestKey>,
  ReturnType<typeof createTestKey>,
];
let server: JwksServer;
let reader: TestKeySource;
let verifier: TestVerifier;

beforeEach(async () => {
  server = await startJwksServer(serve(jwksOf(old)));
  reader = keySourceOn(`${server.url}/jwks`);
  await reader.source.start();
  verifier = verifierFor([issuerWith(reader.source, ["ES256"])]);
});

afterEach(async () => {
  await reader.source.stop();
  await server.stop();
});

const judge = async (key: typeof old): Promise<string> =>
  reasonOf(await verifier.verifyLater(signToken(key, goodClaims())));

test("the first token of a new key brings that key, and overlapping keys are good together", async () => {
  server.answer = serve(jwksOf(old, next));
  expect(await judge(next)).toBe("ok");
  expect(await judge(old)).toBe("ok");
  expect(server.requests).toHaveLength(2);
});

test("a key rotated away stops the tokens that are remembered", async () => {
  const remembered = signToken(old, goodClaims());
  const verdict = async (): Promise<string> => reasonOf(await verifier.verifyLater(remembered));
  expect(await verdict()).toBe("ok");
  expect(await verdict()).toBe("ok");
  server.answer = serve(jwksOf(old, next));
  expect(await judge(next)).toBe("ok");
  expect(await verdict()).toBe("ok");
  server.answer = serve(jwksOf(next, last));
  expect(await judge(last)).toBe("ok");
  expect(await verdict()).toBe("unknown_key");
  expect(verifier.reports.cache).toEqual(["miss", "hit", "miss", "hit", "miss", "stale"]);
});

test("another key under the kid of an old one stops the old one's tokens", async () => {
  const remembered = signToken(old, goodClaims());
  expect(reasonOf(await verifier.verifyLater(remembered))).toBe("ok");
  const impostor = createTestKey("ES256", "old");
  server.answer = serve(jwksOf(impostor, next));
  expect(await judge(next)).toBe("ok");
  expect(reasonOf(await verifier.verifyLater(remembered))).toBe("bad_signature");
  expect(await judge(impostor)).toBe("ok");
});

test("the keys outlive the verifier: a second one over the same source asks for nothing", async () => {
  verifier = verifierFor([issuerWith(reader.source, ["ES256"])]);
  expect(await judge(old)).toBe("ok");
  expect(server.requests).toHaveLength(1);
});

test("a sampled call that causes a refetch has a span for it", async () => {
  const log: string[] = [];
  const { verifier: sampled, clock } = verifier;
  server.answer = serve(jwksOf(old, next));
  const now = clock.now();
  const token = signToken(next, goodClaims());
  await new Promise((done) => {
    sampled.verify(Buffer.from(token), now, now.monotonicMs + 5_000, recordingSpan(log, "check"), done);
  });
  expect(log).toEqual(["begin verify", "begin jwks fetch", "end jwks fetch", "end verify"]);
});

test("a reading that was under way before a key came says nothing of it: another is made, and nobody is refused", async () => {
  // Asked for by a kid that nobody has, and answered only when there is a newer key.
  let answerOld = (): void => undefined;
  const asked = new Promise<void>((resolve) => {
    server.answer = (request, response) => {
      answerOld = () => serve(jwksOf(old))(request, response);
      resolve();
    };
  });
  const nobodys = judge(last);
  await asked;
  server.answer = serve(jwksOf(old, next));
  const judged = judge(next);
  answerOld();
  expect([await nobodys, await judged]).toEqual(["unknown_key", "ok"]);
  expect(server.requests).toHaveLength(3);
});
