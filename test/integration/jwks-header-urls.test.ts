// Trap 17: a token that names a place to get its key from. A listening port sees that nobody comes.
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  jwksOf,
  keySourceOn,
  serve,
  startJwksServer,
  type JwksServer,
  type TestKeySource,
} from "../support/jwks-server.ts";
import { createTestKey, goodClaims, issuerWith, reasonOf, signToken, verifierFor } from "../support/tokens.ts";
import { until } from "../support/wait.ts";

const key = createTestKey("ES256", "k1");
const attacker = createTestKey("ES256", "evil");
let issuerServer: JwksServer;
let trap: JwksServer;
let reader: TestKeySource;

beforeEach(async () => {
  [issuerServer, trap] = await Promise.all([
    startJwksServer(serve(jwksOf(key))),
    startJwksServer(serve(jwksOf(attacker))),
  ]);
  reader = keySourceOn(`${issuerServer.url}/jwks`);
  await reader.source.start();
});

afterEach(async () => {
  await reader.source.stop();
  await Promise.all([issuerServer.stop(), trap.stop()]);
});

test.each([
  ["jku", "unsupported_token"],
  ["x5u", "unsupported_token"],
  ["kid", "unknown_key"],
  ["iss", "unknown_issuer"],
])("nobody connects to a URL in %s", async (member, reason) => {
  const { verifyLater } = verifierFor([issuerWith(reader.source, ["ES256"])]);
  const url = `${trap.url}/jwks`;
  const claims = goodClaims(member === "iss" ? { iss: url } : {});
  const token = signToken(attacker, claims, member === "iss" ? {} : { [member]: url });
  expect(reasonOf(await verifyLater(token))).toBe(reason);
  // Ours comes behind any that the token could have caused.
  const own = connect(Number(new URL(trap.url).port), "127.0.0.1");
  await until("our own connection to be seen", () => trap.connectionCount() > 0);
  own.destroy();
  expect(trap.connectionCount()).toBe(1);
});
