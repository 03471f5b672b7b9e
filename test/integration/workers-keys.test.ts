// Two workers and one engine for keys: what it fetches once is known to both, and what one worker gives out, the other
// knows again.

import { afterEach, expect, test } from "vitest";
import { createDpopClient } from "../support/dpop.ts";
import { jwksOf, serve, startJwksServer, type JwksServer } from "../support/jwks-server.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { callerOf, startSidecar, token, type Caller, type SidecarUnderTest } from "../support/sidecar.ts";
import { createTestKey } from "../support/tokens.ts";

const ISSUER = "https://id.example.com";
let redis: RedisProcess;
let jwks: JwksServer | undefined;
let sidecar: SidecarUnderTest;
let callers: readonly Caller[] = [];

async function start(issuer: string, rest = ""): Promise<void> {
  redis = await startRedis();
  sidecar = await startSidecar(`workers: 2
listen: { grpc: ["127.0.0.1:0", "127.0.0.1:0"], ops: "127.0.0.1:0" }
store: { url: "${redis.url}" }
issuers:
  - { issuer: "${ISSUER}", audiences: [orders-api], algorithms: [ES256], ${issuer} }
${rest}`);
  const [, listed = ""] = await sidecar.process.line(/"part":"grpc","addresses":\[([^\]]+)\]/);
  callers = listed.split(",").map((address) => callerOf(JSON.parse(address) as string));
}

afterEach(async () => {
  for (const caller of callers) caller.close();
  await sidecar.stop();
  await jwks?.stop();
  await redis.stop();
});

const statuses = (bearer: string): Promise<readonly number[]> =>
  Promise.all(callers.map(async ({ check }) => (await check({ path: "/", token: bearer })).status));

test("keys are fetched once for both workers, at the start and for a kid that nobody knows", async () => {
  const [old, next] = [createTestKey("ES256", "old"), createTestKey("ES256", "next")];
  jwks = await startJwksServer(serve(jwksOf(old)));
  await start(`jwks: { url: "${jwks.url}/jwks", allowHttp: true }`);
  expect(await statuses(token({}, {}, old))).toEqual([200, 200]);
  expect(jwks.requests).toHaveLength(1);

  jwks.answer = serve(jwksOf(old, next));
  expect(await statuses(token({}, {}, next))).toEqual([200, 200]);
  expect(await statuses(token({}, {}, createTestKey("ES256", "made-up")))).toEqual([401, 401]);
  // One for the new key; one more for the made-up one, unless the second worker had heard of its absence before.
  expect(jwks.requests.length).toBeLessThanOrEqual(4);
  const before = jwks.requests.length;
  for (let i = 0; i < 20; i += 1) {
    expect(await statuses(token({}, {}, createTestKey("ES256", `made-up-${i}`)))).toEqual([401, 401]);
  }
  expect(jwks.requests.length - before).toBeLessThanOrEqual(1);
});

test("a nonce that one worker gave out is good at the other", async () => {
  const client = await createDpopClient();
  await start("jwks: { file: jwks.json }, senderConstraint: dpop", "dpop: { scheme: https, nonces: required }\n");
  const bearer = token({ cnf: { jkt: client.jkt } });
  const uri = "https://api.example.com/";
  const call = async (caller: Caller | undefined, claims = {}) => {
    const proof = await client.proof({ uri, token: bearer, claims });
    return caller?.check({ path: "/", headers: { authorization: `DPoP ${bearer}`, dpop: proof } });
  };
  const first = await call(callers[0]);
  expect(first?.status).toBe(401);
  const nonce = first?.message.denied_response?.headers.find(({ header }) => header.key === "dpop-nonce")?.header;
  expect((await call(callers[1], { nonce: nonce?.value }))?.status).toBe(200);
});
