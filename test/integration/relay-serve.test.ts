// A sidecar without any connection to Redis, from outside: a control plane feeds it and looks up for it. What is revoked
// is refused; while the control plane cannot be asked, or cannot ask, each tier does what it says.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePorts } from "../support/ports.ts";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS, startSidecar, token, type Answer, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const ADMIN = randomBytes(32).toString("base64url");
const SIDECAR = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

let redis: RedisProcess;
let port: number;
let plane: PortcullisProcess;
let sidecar: SidecarUnderTest;

function startPlane(): Promise<PortcullisProcess> {
  return startPortcullis({
    command: "control",
    files: { "jwks.json": JWKS },
    config: `listen: { grpc: "127.0.0.1:0", ops: "127.0.0.1:0", control: "127.0.0.1:${port}" }
issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }]
store: { type: redis, url: "${redis.url}" }
control: { tokens: [{ name: ops, sha256: ${sha256(ADMIN)}, scopes: [portcullis:admin] },
    { name: fleet, sha256: ${sha256(SIDECAR)}, scopes: [portcullis:sidecar] }] }
`,
  });
}

beforeAll(async () => {
  redis = await startRedis();
  [port = 0] = await freePorts(1);
  plane = await startPlane();
  sidecar = await startSidecar(`
feed: { type: relay }
control: { url: "${plane.controlUrl}", reportToken: ${SIDECAR} }
store: { timeout: 500ms }
deadline: 1s
breaker: { minCalls: 1000 }
tiers:
  critical: { maxStaleness: 0s }
  standard: { maxStaleness: 2s }
  low: { maxStaleness: 2s, failOpenFor: 5m }
routes:
  - { path: /critical, tier: critical }
  - { path: /standard, tier: standard }
  - { path: /low, tier: low }
`);
  await untilReplicaReady();
});

afterAll(async () => {
  await sidecar.stop();
  await plane.stop();
  await redis.stop();
});

async function readiness(): Promise<Readonly<Record<string, { readonly state: string }>>> {
  const report = (await (await fetch(`${sidecar.opsUrl}/readyz`)).json()) as {
    components: Record<string, { state: string }>;
  };
  return report.components;
}

const untilReplicaReady = (): Promise<true> =>
  until("the replica to be ready", async () => (await readiness())["replica"]?.state === "ready" || undefined, 20_000);

async function revoke(target: object, wait = "stored"): Promise<{ id: string; receipt: { fleet?: object } }> {
  const answer = await fetch(`${plane.controlUrl}/v1/revocations`, {
    method: "POST",
    headers: { authorization: `Bearer ${ADMIN}`, "content-type": "application/json" },
    body: JSON.stringify({ target, reason: "test", wait }),
  });
  expect(answer.status).toBe(201);
  return (await answer.json()) as { id: string; receipt: { fleet?: object } };
}

const check = (path: string, bearer: string): Promise<Answer> => sidecar.check({ path, token: bearer });

const untilAnswer = (path: string, bearer: string, status: number): Promise<Answer> =>
  until(
    `${status} at ${path}`,
    async () => {
      const answer = await check(path, bearer);
      return answer.status === status ? answer : undefined;
    },
    20_000,
    5,
  );

test("it judges by what it is told, and asks through the control plane where the tier wants to be sure", async () => {
  const bearer = token();
  await until("it to be recent", async () => (await check("/standard", bearer)).metadata["assurance"] === "recent");
  expect((await check("/critical", bearer)).metadata["assurance"]).toBe("live");
  const told: unknown = await (await fetch(`${sidecar.opsUrl}/status`)).json();
  expect(told).toMatchObject({ store: { type: "relay", reachable: true }, replica: { push: true } });
});

test("a revocation refuses it everywhere, and a lift lets it through again", async () => {
  const jti = randomUUID();
  const bearer = token({ jti });
  for (const path of ["/critical", "/standard", "/low"]) expect((await check(path, bearer)).status).toBe(200);
  const { id, receipt } = await revoke({ kind: "token", id: jti }, "fleet");
  expect(receipt.fleet).toMatchObject({ live: 1, applied: 1, pending: [] });
  for (const path of ["/critical", "/standard", "/low"]) {
    expect((await check(path, bearer)).metadata, path).toMatchObject({ reason: "revoked", revocation_id: id });
  }
  const headers = { authorization: `Bearer ${ADMIN}` };
  const lifted = await fetch(`${plane.controlUrl}/v1/revocations/${id}`, { method: "DELETE", headers });
  expect(lifted.status).toBe(204);
  for (const path of ["/critical", "/standard", "/low"]) await untilAnswer(path, bearer, 200);
});

test("a key set by redis-cli refuses as well", async () => {
  const jti = randomUUID();
  const bearer = token({ jti });
  expect((await check("/standard", bearer)).status).toBe(200);
  await redis.cli("SET", `revoked:jti:main:${jti}`, "1", "EX", "600");
  expect((await check("/critical", bearer)).metadata["reason"]).toBe("revoked");
  await untilAnswer("/standard", bearer, 401);
});

describe("what nobody can tell", () => {
  /** What each tier does once all that is known is too old. */
  async function expectLadder(known: string, bearer: string): Promise<void> {
    const standing = await untilAnswer("/standard", bearer, 503);
    expect(standing.metadata["reason"]).toBe("revocation_unavailable");
    expect((await check("/critical", bearer)).status).toBe(503);
    expect((await check("/low", bearer)).metadata).toMatchObject({ decision: "allow", assurance: "fail-open" });
    for (const path of ["/critical", "/standard", "/low"]) expect((await check(path, known)).status, path).toBe(401);
  }

  async function prepare(): Promise<{ readonly known: string; readonly bearer: string }> {
    const jti = randomUUID();
    const known = token({ jti });
    const bearer = token();
    await untilReplicaReady();
    for (const path of ["/critical", "/standard", "/low"]) await untilAnswer(path, bearer, 200);
    await revoke({ kind: "token", id: jti });
    for (const path of ["/standard", "/low"]) await untilAnswer(path, known, 401);
    return { known, bearer };
  }

  test("a paused control plane: what it last knew grows old", async () => {
    const { known, bearer } = await prepare();
    plane.process.signal("SIGSTOP");
    const jti = randomUUID();
    const late = token({ jti });
    await redis.cli("SET", `revoked:jti:main:${jti}`, "1", "EX", "600");
    await expectLadder(known, bearer);
    plane.process.signal("SIGCONT");
    await untilAnswer("/standard", bearer, 200);
    expect((await check("/standard", late)).status).toBe(401);
  });

  test("a control plane that ended, and one that comes in its place", async () => {
    const { known, bearer } = await prepare();
    await plane.stop();
    await expectLadder(known, bearer);
    const status = (await (await fetch(`${sidecar.opsUrl}/status`)).json()) as { replica: { why: string } };
    expect(status.replica.why).toMatch(/^the relay cannot be followed \(connection_refused: /);
    const jti = randomUUID();
    const late = token({ jti });
    await redis.cli("SET", `revoked:jti:main:${jti}`, "1", "EX", "600");
    plane = await startPlane();
    for (const path of ["/critical", "/standard"]) await untilAnswer(path, bearer, 200);
    for (const path of ["/critical", "/standard"]) expect((await check(path, late)).status).toBe(401);
    await untilReplicaReady();
  });
});
