// Streams of security events as a configuration names them: followed by two real control planes over one real Redis, and
// proved by the transmitter's own verification (Shared Signals 1.0 §8.1.4).

import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { serve, startJwksServer, type JwksServer } from "../support/jwks-server.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { createTestKey, signToken, type Json } from "../support/tokens.ts";
import { startTransmitter, type TestTransmitter } from "../support/transmitter.ts";
import { until } from "../support/wait.ts";

const ISSUER = "https://id.example.com";
const POLLED = "https://polled.example.com";
const PUSHING = "https://pushing.example.com";
const SSF = "https://schemas.openid.net/secevent/ssf/event-type/";
const eventKey = createTestKey("ES256", "t1");
const admin = randomBytes(32).toString("base64url");
const nowS = () => Math.floor(Date.now() / 1_000);

let redis: RedisProcess;
let keys: JwksServer;
let polled: TestTransmitter;
let pushing: TestTransmitter;
let planes: readonly PortcullisProcess[];

beforeAll(async () => {
  [redis, keys, polled, pushing] = await Promise.all([
    startRedis(),
    startJwksServer(serve([eventKey.jwk])),
    startTransmitter(),
    startTransmitter(),
  ]);
  // As a transmitter does: over the stream that is to be verified.
  polled.onVerification = ({ stream_id, state }) => offer({ ...verificationOf(stream_id, state), iss: POLLED });
  planes = await Promise.all([startPlane(), startPlane()]);
});
afterAll(async () => {
  await Promise.all(planes.map((plane) => plane.stop()));
  await Promise.all([keys.stop(), polled.stop(), pushing.stop(), redis.stop()]);
});

function startPlane(): Promise<PortcullisProcess> {
  const common = { jwks: { url: `${keys.url}/jwks` }, audiences: ["portcullis"], algorithms: ["ES256"] };
  const verificationAt = (url: string, bearerFile: string) => ({
    verification: { url: `${url}/verify`, bearerFile, streamId: "stream-1", every: "2s" },
  });
  return startPortcullis({
    command: "control",
    config: {
      issuers: [{ issuer: ISSUER, jwks: { file: "jwks.json" }, audiences: ["orders-api"] }],
      store: { type: "redis", url: redis.url },
      control: {
        tokens: [
          { name: "root", sha256: createHash("sha256").update(admin).digest("hex"), scopes: ["portcullis:admin"] },
        ],
      },
      ingress: {
        ssf: [
          {
            ...common,
            id: "polled",
            issuer: POLLED,
            poll: { url: `${polled.url}/poll`, bearerFile: "polled.token", every: "1s" },
            ...verificationAt(polled.url, "polled.token"),
          },
          { ...common, id: "pushing", issuer: PUSHING, ...verificationAt(pushing.url, "pushing.token") },
        ],
      },
    },
    files: {
      "jwks.json": JSON.stringify({ keys: [createTestKey("ES256", "k1").jwk] }),
      "polled.token": `${polled.bearer}\n`,
      "pushing.token": pushing.bearer,
    },
  });
}

function verificationOf(streamId: string, state: string | undefined): Json {
  return { sub_id: { format: "opaque", id: streamId }, events: { [`${SSF}verification`]: { state } } };
}

function signed(claims: Json): string {
  const filled = { aud: "portcullis", jti: randomUUID(), iat: nowS(), ...claims };
  return signToken(eventKey, filled, { typ: "secevent+jwt" });
}

/** Puts an event on the polled stream; its jti. */
function offer(claims: Json): string {
  const jti = randomUUID();
  polled.offer(jti, signed({ iss: POLLED, jti, ...claims }));
  return jti;
}

function push(claims: Json): Promise<Response> {
  return fetch(`${planes[1]?.controlUrl}/ssf/events`, {
    method: "POST",
    headers: { "content-type": "application/secevent+jwt" },
    body: signed({ iss: PUSHING, ...claims }),
  });
}

async function api(path: string): Promise<Record<string, unknown> & { readonly items: readonly Json[] }> {
  const answer = await fetch(`${planes[0]?.controlUrl}${path}`, { headers: { authorization: `Bearer ${admin}` } });
  return (await answer.json()) as never;
}

/** Whether one of them logged `event` of the transmitter. */
const logged = (event: string, transmitter: string): boolean =>
  planes.some(({ process }) =>
    process
      .output()
      .split("\n")
      .some((line) => line.includes(`"${event}"`) && line.includes(`"${transmitter}"`)),
  );

test("two control planes follow one stream: an event acts once, and is acknowledged", async () => {
  const sub = randomUUID();
  const events = { "https://schemas.openid.net/secevent/caep/event-type/session-revoked": {} };
  const jti = offer({ sub_id: { format: "iss_sub", iss: ISSUER, sub }, events });
  await until("the acknowledgement", () => polled.acked.includes(jti));
  expect([polled.refused.get(jti), polled.isPending(jti)]).toEqual([undefined, false]);
  expect(await redis.cli("EXISTS", `user:revoked_after:main:${sub}`)).toBe("1");
  const of = (await api("/v1/audit?limit=1000")).items.filter((entry) => (entry["target"] as Json)["id"] === sub);
  expect(of).toMatchObject([{ actor: "ssf:polled", action: "revoke" }]);
});

test("a stream that is polled is verified over the poll", async () => {
  await until("the question", () => polled.verificationRequests.length > 0);
  expect(polled.verificationRequests[0]).toEqual({
    stream_id: "stream-1",
    state: expect.stringMatching(/^[\w.-]{60,}$/),
  });
  await until("the answer to be told from others'", () => logged("event_stream_verified", "ssf:polled"));
});

test("a stream that is pushed is verified over the push, at whichever control plane", async () => {
  await until("the question", () => pushing.verificationRequests.length > 0);
  const { stream_id, state } = pushing.verificationRequests[0] ?? { stream_id: "" };
  await until("the transmitter's keys", async () => {
    const answer = await push(verificationOf(stream_id, state));
    return answer.status === 202;
  });
  await until("the log", () => logged("event_stream_verified", "ssf:pushing"));
  expect((await push(verificationOf(stream_id, undefined))).status).toBe(202); // begun by the transmitter: without a state
});

test.each([
  ["a state that nobody asked with", "stream-1", "VGhpcyBpcw"],
  ["a state that looks like one of ours", "stream-1", `${"A".repeat(22)}.${"A".repeat(43)}`],
  ["our state for another stream", "stream-2", undefined],
])("a verification event with %s is refused as invalid_state (§8.1.4.1)", async (_what, streamId, stateOr) => {
  const state = stateOr ?? pushing.verificationRequests[0]?.state;
  const answer = await push(verificationOf(streamId, state));
  expect([answer.status, ((await answer.json()) as Json)["err"]]).toEqual([400, "invalid_state"]);
  const jti = offer(verificationOf(streamId, state));
  await until("the refusal", () => polled.refused.get(jti) === "invalid_state");
});

test("a stream that answers nothing is told of", async () => {
  await until("the warning", () => logged("event_stream_not_verified", "ssf:pushing"), 20_000);
});

test("a transmitter whose events are polled is not heard when it pushes", async () => {
  const events = { "https://schemas.openid.net/secevent/risc/event-type/account-disabled": {} };
  const answer = await push({ iss: POLLED, sub_id: { format: "iss_sub", iss: ISSUER, sub: "x" }, events });
  expect([answer.status, ((await answer.json()) as Json)["err"]]).toEqual([400, "invalid_issuer"]);
});

test("no bearer token of a transmitter is told to anybody", () => {
  for (const plane of planes) {
    for (const { bearer } of [polled, pushing]) expect(plane.process.output()).not.toContain(bearer);
  }
});
