// How a sidecar of two workers ends: in order where it is told to, and in order with code 1 where a worker fails, for a
// half of it must never look like the whole.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WorkerThread } from "../../src/commands/worker-thread.ts";
import type { Config } from "../../src/config/config.ts";
import { connectClients } from "../support/grpc-clients.ts";
import { startProcess, type RunningProcess } from "../support/process.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const PROGRAM = fileURLToPath(new URL("../support/failing-sidecar.ts", import.meta.url));

/** Where bin/portcullis keeps it. */
const COMPILED = fileURLToPath(new URL("../../.cache/node", import.meta.url));

let redis: RedisProcess;
let folder: string;
let sidecar: RunningProcess | undefined;

function start(addresses: readonly string[], drain = "{ delay: 50ms }"): RunningProcess {
  writeFileSync(join(folder, "jwks.json"), JWKS);
  const config = join(folder, "portcullis.yaml");
  writeFileSync(
    config,
    `workers: 2
listen: { grpc: ${JSON.stringify(addresses)}, ops: "127.0.0.1:0" }
issuers:
  - { issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [a], algorithms: [ES256] }
store: { url: "${redis.url}" }
drain: ${drain}
`,
  );
  sidecar = startProcess(process.execPath, [PROGRAM, config], { env: { NODE_COMPILE_CACHE: COMPILED } });
  return sidecar;
}

const socket = (name: string): string => `unix:${join(folder, name)}`;
const health = async (name: string): Promise<string> => {
  const client = connectClients(socket(name));
  try {
    return await client.health("");
  } finally {
    client.close();
  }
};

beforeEach(async () => {
  redis = await startRedis();
  folder = mkdtempSync(join(tmpdir(), "portcullis-workers-"));
});
afterEach(async () => {
  await sidecar?.stop();
  sidecar = undefined;
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("SIGTERM drains every worker, and the process ends with 0", async () => {
  const running = start([socket("a"), socket("b")], "{ delay: 1s }");
  await running.line(/"event":"ready"/);
  await until("both to serve", async () => (await health("a")) === "SERVING" && (await health("b")) === "SERVING");
  running.signal("SIGTERM");
  await until("both to refuse more", async () =>
    (await Promise.all([health("a"), health("b")])).every((status) => status === "NOT_SERVING"),
  );
  expect(await running.end()).toBe(0);
  expect(running.output()).toMatch(/"outcome":"finished","event":"drained"/);
});

test("a worker that throws ends the process with 1, after the others have drained", async () => {
  const running = start([socket("a"), socket("b")]);
  await running.line(/"event":"ready"/);
  writeFileSync(join(folder, "portcullis.yaml.b"), "throw");
  expect(await running.end()).toBe(1);
  expect(running.output()).toMatch(/"why":"Error: thrown on demand.*"event":"worker_failed"/);
  expect(running.output()).toMatch(/"event":"not_ready"/);
  expect(running.output()).toMatch(/"event":"drained"/);
});

test("a worker that hangs is no worker any more", async () => {
  const why = await new Promise<string>((failed) => {
    const thread = new WorkerThread({
      program: new URL("../support/hanging-worker.ts", import.meta.url),
      start: { config: {} as Config, showing: undefined, subjectKey: "", timeOrigin: 0 },
      refetch: () => undefined,
      lines: () => undefined,
      failed: (said) => void thread.end().then(() => failed(said)),
      maxMissedPulses: 3,
    });
  });
  expect(why).toBe("it says nothing any more");
});

test("an address that cannot be had ends the start with 1, and says which", async () => {
  const running = start([socket("a"), `unix:${join(folder, "no-such-folder", "b")}`]);
  expect(await running.end()).toBe(1);
  expect(running.output()).toMatch(/portcullis: grpc did not start: .*no-such-folder/);
});
