// A sidecar of two workers in the fleet: it is one sidecar, and says that it heeds a revocation once each of its workers
// does.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPortcullis, type PortcullisProcess } from "../support/portcullis.ts";
import { callControl } from "../support/call-control.ts";
import { startProcess, type RunningProcess } from "../support/process.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { callerOf, JWKS, token, type Caller } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const PROGRAM = fileURLToPath(new URL("../support/failing-sidecar.ts", import.meta.url));

/** Where bin/portcullis keeps it. */
const COMPILED = fileURLToPath(new URL("../../.cache/node", import.meta.url));
const ADMIN = randomBytes(32).toString("base64url");
const REPORTER = randomBytes(32).toString("base64url");
const sha256 = (secret: string): string => createHash("sha256").update(secret).digest("hex");

let redis: RedisProcess;
let control: PortcullisProcess;
let folder: string;
let file: string;
let sidecar: RunningProcess;
let workers: readonly [Caller, Caller];

beforeAll(async () => {
  redis = await startRedis();
  const common = `issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
store: { url: "${redis.url}", timeout: 1s }
`;
  control = await startPortcullis({
    command: "control",
    config: `${common}control: { tokens: [
  { name: ops, sha256: ${sha256(ADMIN)}, scopes: [portcullis:admin] },
  { name: fleet, sha256: ${sha256(REPORTER)}, scopes: [portcullis:sidecar] }] }\n`,
    files: { "jwks.json": JWKS },
  });
  folder = mkdtempSync(join(tmpdir(), "portcullis-fleet-"));
  writeFileSync(join(folder, "jwks.json"), JWKS);
  file = join(folder, "portcullis.yaml");
  const sockets = ["a", "b"].map((name) => `unix:${join(folder, name)}`);
  writeFileSync(
    file,
    `${common}workers: 2
listen: { grpc: ${JSON.stringify(sockets)}, ops: "127.0.0.1:0" }
control: { url: "${control.controlUrl}", reportToken: ${REPORTER} }
tiers: { standard: { maxStaleness: 30s } }
deadline: 5s
drain: { delay: 50ms }
`,
  );
  sidecar = startProcess(process.execPath, [PROGRAM, file], { env: { NODE_COMPILE_CACHE: COMPILED } });
  await sidecar.line(/"event":"ready"/);
  const [a = "", b = ""] = sockets;
  workers = [callerOf(a), callerOf(b)];
  await until("it to heed the feed", async () => typeof (await fleet())[0]?.seq === "number", 30_000);
});
afterAll(async () => {
  for (const worker of workers) worker.close();
  await sidecar.stop();
  await control.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

const api = (method: string, path: string, body?: object): Promise<unknown> =>
  callControl(control.controlUrl, ADMIN, method, path, body);

interface Member {
  readonly id: string;
  readonly seq: number | null;
  readonly totals: { readonly allowed: number };
}

const fleet = async (): Promise<readonly Member[]> => (await api("GET", "/v1/fleet")) as readonly Member[];

async function receiptFor(jti: string): Promise<unknown> {
  const target = { kind: "token", issuer: "main", id: jti };
  const answer = await api("POST", "/v1/revocations", { target, reason: "stolen", wait: "fleet" });
  return (answer as { readonly receipt: { readonly fleet: unknown } }).receipt.fleet;
}

const statuses = (bearer: string): Promise<readonly number[]> =>
  Promise.all(workers.map(async ({ check }) => (await check({ path: "/", token: bearer })).status));

test("two workers are one member, which has decided what both have", async () => {
  const before = (await fleet())[0]?.totals.allowed ?? 0;
  expect(await statuses(token())).toEqual([200, 200]);
  await until("it to have told", async () => (await fleet())[0]?.totals.allowed === before + 2);
  expect(await fleet()).toHaveLength(1);
});

test("a receipt says that it heeds a revocation once both refuse, though both had just let the token through", async () => {
  for (let i = 0; i < 5; i += 1) {
    const jti = randomUUID();
    const bearer = token({ jti });
    expect(await statuses(bearer)).toEqual([200, 200]);
    expect(await receiptFor(jti)).toMatchObject({ live: 1, applied: 1, pending: [] });
    expect(await statuses(bearer)).toEqual([401, 401]);
  }
});

test("a worker that comes to no end of its turn holds the receipt back, though the other heeds", async () => {
  const jti = randomUUID();
  const bearer = token({ jti });
  expect(await statuses(bearer)).toEqual([200, 200]);
  writeFileSync(`${file}.b.held`, "");
  await until("it to be held", () => !existsSync(`${file}.b.held`));
  const [{ id } = { id: "" }] = await fleet();
  expect(await receiptFor(jti)).toMatchObject({ live: 1, applied: 0, pending: [id] });
  expect((await workers[0].check({ path: "/", token: bearer })).status).toBe(401);
  writeFileSync(`${file}.b.free`, "");
  expect(await receiptFor(randomUUID())).toMatchObject({ live: 1, applied: 1, pending: [] });
  expect(await statuses(bearer)).toEqual([401, 401]);
});
