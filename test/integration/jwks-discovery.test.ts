// Keys found by way of an issuer's metadata, from real servers; and that no metadata leads to an address which the
// issuer may not name.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  jwksOf,
  keySourceOn,
  serve,
  serveByPath,
  startJwksServer,
  type JwksServer,
  type TestKeySource,
} from "../support/jwks-server.ts";
import { createTestKey } from "../support/tokens.ts";

const OIDC = "/.well-known/openid-configuration";
const OAUTH = "/.well-known/oauth-authorization-server";
const jwks = { keys: jwksOf(createTestKey("ES256", "k1")) };
let server: JwksServer;
let trap: JwksServer;

beforeEach(async () => {
  [server, trap] = await Promise.all([startJwksServer(), startJwksServer(serve(jwks.keys))]);
});

afterEach(async () => {
  await Promise.all([server.stop(), trap.stop()]);
});

async function discover(issuer = server.url): Promise<TestKeySource> {
  const reader = keySourceOn({ kind: "discovery", issuer, allowHttp: false });
  await reader.source.start();
  await reader.source.stop();
  return reader;
}

test("keys are found by OpenID Connect Discovery", async () => {
  server.answer = serveByPath({ [OIDC]: { issuer: server.url, jwks_uri: `${server.url}/keys` }, "/keys": jwks });
  expect((await discover()).kids()).toEqual(["k1"]);
  expect(server.requests).toEqual([OIDC, "/keys"]);
});

test("keys are found by RFC 8414 where there is no OpenID Connect", async () => {
  const issuer = `${server.url}/realms/a`;
  server.answer = serveByPath({ [`${OAUTH}/realms/a`]: { issuer, jwks_uri: `${server.url}/keys` }, "/keys": jwks });
  expect((await discover(issuer)).kids()).toEqual(["k1"]);
  expect(server.requests).toEqual([`/realms/a${OIDC}`, `${OAUTH}/realms/a`, "/keys"]);
});

describe("a document that is not to be believed", () => {
  const read = async (metadata: (issuer: string) => unknown): Promise<TestKeySource> => {
    server.answer = serveByPath({ [OIDC]: metadata(server.url), "/keys": jwks });
    return discover();
  };

  test.each<[string, (issuer: string) => unknown, RegExp]>([
    ["names another issuer", (issuer) => ({ issuer: `${issuer}/`, jwks_uri: `${issuer}/keys` }), /another issuer/],
    ["names none", (issuer) => ({ jwks_uri: `${issuer}/keys` }), /another issuer/],
    ["has no jwks_uri", (issuer) => ({ issuer }), /no jwks_uri/],
    ["has a jwks_uri that is no string", (issuer) => ({ issuer, jwks_uri: [`${issuer}/keys`] }), /no jwks_uri/],
    [
      "points to a link-local address",
      (issuer) => ({ issuer, jwks_uri: "http://169.254.169.254/keys" }),
      /neither https/,
    ],
    ["points to a file", (issuer) => ({ issuer, jwks_uri: "file:///etc/passwd" }), /neither https/],
    ["points to another port of this machine", (issuer) => ({ issuer, jwks_uri: `${trap.url}/keys` }), /neither https/],
    ["is no object", () => [], /JSON/],
  ])("%s", async (_what, metadata, why) => {
    const reader = await read(metadata);
    expect(reader.source.status()).toMatchObject({ hasKeys: false, lastError: expect.stringMatching(why) });
    expect(reader.fetched).toEqual(["refused"]);
    expect(server.requests).not.toContain("/keys");
    expect(trap.connectionCount()).toBe(0);
  });

  test("redirects", async () => {
    server.answer = (_request, response) => void response.writeHead(301, { location: `${trap.url}${OIDC}` }).end();
    expect((await discover()).source.status().lastError).toContain("redirect");
    expect(trap.connectionCount()).toBe(0);
  });
});

test("an issuer over plain http that is not this machine is never asked", async () => {
  const reader = await discover("http://id.example.invalid");
  expect(reader.source.status().lastError).toContain("neither https");
});
