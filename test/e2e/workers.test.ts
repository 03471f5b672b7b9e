// Through a real Envoy of two threads: a sidecar of two workers, whose addresses are endpoints of the one cluster.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepCalling } from "../support/calls-without-end.ts";
import {
  addEndpoint,
  NEWEST_ENVOY,
  startEnvoy,
  type EnvoyParts,
  type EnvoyProcess,
  type Settings,
} from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoedHeader, type HttpAnswer } from "../support/http-call.ts";
import { startPortcullis, TRANSPORT, type PortcullisProcess } from "../support/portcullis.ts";
import { callControl } from "../support/call-control.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");
const REPORTER = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

const ENVOY_THREADS = 2;
const TWO_WORKERS = {
  workers: 2,
  listen: { grpc: ["127.0.0.1:0", "127.0.0.1:0"], ops: "127.0.0.1:0", ...TRANSPORT },
};

let guarded: GuardedUpstream;
let control: PortcullisProcess;
let sidecar: PortcullisProcess;
let envoy: EnvoyProcess;

const portsOf = ({ grpcAddresses }: PortcullisProcess): readonly number[] =>
  grpcAddresses.map((address) => Number(address.split(":").at(-1)));

function startEnvoyBefore(
  [first = 0, ...others]: readonly number[],
  edit: (parts: EnvoyParts) => void = () => undefined,
): Promise<EnvoyProcess> {
  return startEnvoy({
    version: NEWEST_ENVOY,
    concurrency: ENVOY_THREADS,
    portcullis: first,
    upstreamPort: guarded.upstream.port,
    edit(parts) {
      for (const port of others) addEndpoint(parts.portcullisCluster, port);
      edit(parts);
    },
  });
}

/** What one worker does not answer, the other would. */
function withoutSecondTries({ extAuthz }: EnvoyParts): void {
  delete (extAuthz["grpc_service"] as Settings)["retry_policy"];
}

beforeAll(async () => {
  guarded = await startGuardedUpstream();
  const { issuer, redis } = guarded;
  control = await startPortcullis({
    command: "control",
    config: {
      issuers: [{ issuer: issuer.issuer, jwks: { url: issuer.jwksUrl }, audiences: ["orders-api"] }],
      store: { url: redis.url, timeout: "1s" },
      control: {
        tokens: [
          { name: "ops", sha256: sha256(ADMIN), scopes: ["portcullis:admin"] },
          { name: "fleet", sha256: sha256(REPORTER), scopes: ["portcullis:sidecar"] },
        ],
      },
    },
  });
  sidecar = await guarded.startSidecar({
    ...TWO_WORKERS,
    control: { url: control.controlUrl, reportToken: REPORTER },
    drain: { delay: "30s" }, // more than is looked at; a second signal ends it
  });
  const heeds = async (): Promise<boolean> => {
    const fleet = (await api("GET", "/v1/fleet")) as readonly { readonly seq: number | null }[];
    return typeof fleet[0]?.seq === "number";
  };
  await until("it to heed the feed", heeds, 30_000);
  envoy = await startEnvoyBefore(portsOf(sidecar), withoutSecondTries);
});
afterAll(async () => {
  await envoy.stop();
  await Promise.all([sidecar.stop(), control.stop()]);
  await guarded.stop();
});

const api = (method: string, path: string, body?: object): Promise<unknown> =>
  callControl(control.controlUrl, ADMIN, method, path, body);

/** Calls until each address has been asked twice since; what all of them were answered. */
async function callsToBoth(token: string): Promise<readonly HttpAnswer[]> {
  const before = await envoy.endpoints();
  const answers: HttpAnswer[] = [];
  await until("both addresses to be asked", async () => {
    for (let i = 0; i < 4; i += 1) answers.push(await call(envoy.url, { path: "/api/orders", token }));
    const after = await envoy.endpoints();
    return portsOf(sidecar).every((port) => (after.get(port)?.sent ?? 0) >= (before.get(port)?.sent ?? 0) + 2);
  });
  return answers;
}

/** Of all reasons, tiers and assurances. */
async function allowsCounted(): Promise<number> {
  const metrics = await (await fetch(`${sidecar.opsUrl}/metrics`)).text();
  const counts = metrics.matchAll(/^portcullis_decisions_total\{decision="allow",[^}]*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

test("each thread of Envoy keeps a connection to each worker, all of whom judge, and are counted, as one", async () => {
  const token = await guarded.issuer.sign();
  const countedBefore = await allowsCounted();
  const answers: HttpAnswer[] = [];
  await until("a connection of each thread to each worker", async () => {
    answers.push(...(await callsToBoth(token)));
    const endpoints = await envoy.endpoints();
    return portsOf(sidecar).every((port) => endpoints.get(port)?.connections === ENVOY_THREADS);
  });
  for (const answer of answers) expect(echoedHeader(answer, "x-auth-subject")).toEqual(["alice"]);
  // More than the half that one worker has judged.
  expect((await allowsCounted()) - countedBefore).toBeGreaterThanOrEqual(answers.length);
});

test("what is revoked at a control plane is refused by both workers, once it says that the fleet has heard of it", async () => {
  const jti = randomUUID();
  const token = await guarded.issuer.sign({ claims: { jti } });
  for (const answer of await callsToBoth(token)) expect(answer.status).toBe(200);
  const { receipt } = (await api("POST", "/v1/revocations", {
    target: { kind: "token", issuer: "main", id: jti },
    reason: "stolen",
    wait: "fleet",
  })) as { readonly receipt: { readonly fleet: object } };
  expect(receipt.fleet).toMatchObject({ live: 1, applied: 1, pending: [] });
  for (const answer of await callsToBoth(token)) expect(answer.status).toBe(401);
});

test("a sidecar of two workers is replaced by another without a lost call", async () => {
  const leaving = await guarded.startSidecar({ ...TWO_WORKERS, drain: { delay: "1s" } });
  const both = await startEnvoyBefore([...portsOf(leaving), ...portsOf(sidecar)]);
  try {
    await until("all to be healthy", async () => (await both.stat("cluster.portcullis.membership_healthy")) === 4);
    const calls = keepCalling(both.url, await guarded.issuer.sign(), 4);
    await until("all addresses to be asked", async () =>
      [...(await both.endpoints()).values()].every(({ sent }) => sent > 0),
    );
    leaving.process.signal("SIGTERM");
    expect(await leaving.process.end()).toBe(0);
    const endedAtCount = calls.count();
    await until("calls after its end", () => calls.count() > endedAtCount + 50);
    const answers = await calls.stop();
    const refused = both.accessLog().filter((line) => line["status"] !== 200);
    expect({ answers: [...answers.keys()], refused }).toEqual({ answers: ["200"], refused: [] });
  } finally {
    await both.stop();
    await leaving.stop();
  }
});

test("while they drain, both workers say so and go on answering", async () => {
  sidecar.process.signal("SIGTERM");
  await until("both to say so", async () => (await envoy.stat("cluster.portcullis.membership_healthy")) === 0);
  for (const answer of await callsToBoth(await guarded.issuer.sign())) expect(answer.status).toBe(200);
});
