// A sidecar of two workers without any connection to Redis: one replica, told by a control plane, is read by both, and goes
// on as a whole where another control plane takes over.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBalancer, type Balancer } from "../support/balancer.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { callerOf, JWKS, startSidecar, token, type Caller, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");
const SIDECAR = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

let redis: RedisProcess;
let planes: readonly PortcullisProcess[];
let balancer: Balancer;
let sidecar: SidecarUnderTest;
let workers: readonly Caller[];

function startPlane(): Promise<PortcullisProcess> {
  return startPortcullis({
    command: "control",
    files: { "jwks.json": JWKS },
    config: `issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }]
store: { type: redis, url: "${redis.url}" }
control: { tokens: [{ name: ops, sha256: ${sha256(ADMIN)}, scopes: [portcullis:admin] },
    { name: fleet, sha256: ${sha256(SIDECAR)}, scopes: [portcullis:sidecar] }] }
`,
  });
}

beforeAll(async () => {
  redis = await startRedis();
  planes = await Promise.all([startPlane(), startPlane()]);
  balancer = await startBalancer(planes.map(({ controlUrl }) => controlUrl));
  sidecar = await startSidecar(`workers: 2
listen: { grpc: ["127.0.0.1:0", "127.0.0.1:0"], ops: "127.0.0.1:0" }
feed: { type: relay }
control: { url: "${balancer.url}", reportToken: ${SIDECAR} }
store: { timeout: 500ms }
deadline: 1s
tiers: { low: { maxStaleness: 60s } }
routes: [{ path: /**, tier: low }]
`);
  workers = sidecar.grpcAddresses.map(callerOf);
  const heeds = async (): Promise<boolean> => {
    const fleet = (await api("GET", "/v1/fleet")) as readonly { readonly seq: number | null }[];
    return typeof fleet[0]?.seq === "number";
  };
  await until("it to heed the feed", heeds, 30_000);
});
afterAll(async () => {
  for (const worker of workers) worker.close();
  await sidecar.stop();
  await balancer.close();
  await Promise.all(planes.map((plane) => plane.stop()));
  await redis.stop();
});

async function api(method: string, path: string, body?: object): Promise<unknown> {
  const response = await fetch(`${planes[0]?.controlUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
  return response.status === 204 ? undefined : response.json();
}

interface Revoked {
  readonly id: string;
  readonly receipt: { readonly fleet?: object };
}

const revoke = async (jti: string, wait: "fleet" | "stored"): Promise<Revoked> =>
  (await api("POST", "/v1/revocations", {
    target: { kind: "token", issuer: "main", id: jti },
    reason: "stolen",
    wait,
  })) as Revoked;

const statuses = (bearer: string): Promise<readonly number[]> =>
  Promise.all(workers.map(async ({ check }) => (await check({ path: "/", token: bearer })).status));

const positionMs = async (): Promise<number> => {
  const metrics = await (await fetch(`${sidecar.opsUrl}/metrics`)).text();
  return Date.now() - Number(/^portcullis_replica_lag_seconds ([\d.]+)$/m.exec(metrics)?.[1]) * 1_000;
};

test("both refuse what a receipt says, and still do once another control plane tells them", async () => {
  const [first, second, lifted] = [randomUUID(), randomUUID(), randomUUID()];
  const bearers = [first, second, lifted].map((jti) => token({ jti }));
  const answers = (): Promise<readonly (readonly number[])[]> => Promise.all(bearers.map(statuses));
  expect(await answers()).toEqual([
    [200, 200],
    [200, 200],
    [200, 200],
  ]);
  expect((await revoke(first, "fleet")).receipt.fleet).toMatchObject({ live: 1, applied: 1 });
  const { id } = await revoke(lifted, "fleet");
  expect(await answers()).toEqual([
    [401, 401],
    [200, 200],
    [401, 401],
  ]);

  balancer.order = [1, 0];
  balancer.cut();
  await api("DELETE", `/v1/revocations/${id}`);
  await revoke(second, "stored");
  const toldBeforeMs = Date.now();
  // Told by the other alone, by other names than before: what stood still stands, what came is known, what went is gone.
  await until("both to be told by the other", async () => (await statuses(bearers[1] ?? "")).every((at) => at === 401));
  await until("a position since", async () => (await positionMs()) > toldBeforeMs);
  await redis.kill();
  expect(await answers()).toEqual([
    [401, 401],
    [401, 401],
    [200, 200],
  ]);
});
