// How a sidecar starts beside parts of the world that are not there yet, and how it ends: in order, told first by health
// (trap 32), and at once where it is told twice.

import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { connectClients, type GrpcClients } from "../support/grpc-clients.ts";
import { serveText, startJwksServer } from "../support/jwks-server.ts";
import { PORTCULLIS } from "../support/portcullis.ts";
import { startProcess, type RunningProcess } from "../support/process.ts";
import { startRedis } from "../support/redis-server.ts";
import { JWKS, startSidecar, token, type SidecarOptions, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).toReversed()) await end();
});

async function start(yaml: string, options?: SidecarOptions): Promise<SidecarUnderTest> {
  const sidecar = await startSidecar(yaml, options);
  endings.push(() => sidecar.stop());
  return sidecar;
}

function clientsOf({ grpcAddress }: SidecarUnderTest): GrpcClients {
  const clients = connectClients(grpcAddress);
  endings.push(() => clients.close());
  return clients;
}

interface Readiness {
  readonly status: number;
  readonly components: Readonly<Record<string, { readonly state: string; readonly detail?: string }>>;
}

async function readinessOf({ opsUrl }: SidecarUnderTest): Promise<Readiness> {
  const answer = await fetch(`${opsUrl}/readyz`);
  return { status: answer.status, ...((await answer.json()) as Omit<Readiness, "status">) };
}

const MEMORY = "store: { type: memory }\n";

describe("an order to end", () => {
  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s is told by health first, calls are answered on, and it ends with 0",
    async (signal) => {
      const sidecar = await start(`${MEMORY}drain: { delay: 1s }\n`);
      const clients = clientsOf(sidecar);
      expect(await clients.health("")).toBe("SERVING");
      const seen = clients.watch("");
      await until("the watch to begin", () => seen.seen.length > 0);
      sidecar.process.signal(signal);
      await until("health to tell", () => seen.seen.includes("NOT_SERVING"));
      const [readiness, answer, live] = await Promise.all([
        readinessOf(sidecar),
        sidecar.check({ path: "/", token: token() }),
        fetch(`${sidecar.opsUrl}/livez`),
      ]);
      expect(readiness).toMatchObject({ status: 503, components: { draining: { state: "not_ready" } } });
      expect([answer.status, live.status]).toEqual([200, 200]);
      expect(sidecar.process.ended()).toBeUndefined();
      expect(await sidecar.process.end()).toBe(0);
      expect(seen.seen).toEqual(["SERVING", "NOT_SERVING", "end"]);
    },
  );

  test("waits for a call in flight, longer than the delay, and ends when it is answered", async () => {
    const redis = await startRedis();
    endings.push(() => redis.stop());
    const sidecar = await start(
      `store: { type: redis, url: "${redis.url}", timeout: 5s }\ndeadline: 20s\ndrain: { delay: 10ms, timeout: 30s }\n`,
    );
    redis.pause();
    const inFlight = sidecar.check({ path: "/", token: token() });
    const inFlightCount = async (): Promise<number> =>
      ((await (await fetch(`${sidecar.opsUrl}/status`)).json()) as { readonly in_flight: number }).in_flight;
    await until("the call to be in flight", async () => (await inFlightCount()) === 1);
    sidecar.process.signal("SIGTERM");
    const clients = clientsOf(sidecar);
    await until("the port to be closed", () =>
      clients.health("").then(
        () => false,
        () => true,
      ),
    );
    expect(await inFlightCount()).toBe(1);
    redis.resume();
    expect((await inFlight).status).toBe(200);
    expect(await sidecar.process.end()).toBe(0);
  });

  test.each([
    ["SIGTERM", "SIGTERM"],
    ["SIGINT", "SIGINT"],
    ["SIGTERM", "SIGINT"],
  ] as const)("by %s and then %s ends it with 1 at once", async (first, second) => {
    const sidecar = await start(`${MEMORY}drain: { delay: 1m, timeout: 1m }\n`);
    sidecar.process.signal(first);
    await sidecar.process.line(/"event":"stopping"/);
    sidecar.process.signal(second);
    expect(await sidecar.process.end()).toBe(1);
  });

  test.each(["serve", "control", "dev"])("while %s is loaded ends it with 0", async (command) => {
    const starting = startProcess(PORTCULLIS, [command, "--config", "none.yaml"], {
      env: { NODE_OPTIONS: `--import ${asModule(NEVER_LOADS_COMMANDS)}` },
    });
    endings.push(() => starting.stop());
    // Node itself catches SIGTERM all the time: SIGHUP tells when we do.
    await until("it to listen for signals", () => catches(starting, 1), 15_000);
    starting.signal("SIGHUP");
    starting.signal("SIGTERM");
    expect(await starting.end()).toBe(0);
  });

  test.each(["serve", "control", "dev"])("while %s starts ends it in order", async (command) => {
    const starting = await startOnPipe(command);
    const pipe = await until("it to read its configuration", () => openWaitedFor(starting.file), 15_000);
    // Nothing of it runs while it reads, so the order waits for it to begin.
    starting.signal("SIGTERM");
    writeSync(
      pipe,
      `listen: { grpc: "127.0.0.1:0", ops: "127.0.0.1:0", control: "127.0.0.1:0" }
issuers: [{ issuer: "https://id.example.com", jwks: { file: gone.json }, audiences: [a] }]
store: { type: embedded }
`,
    );
    closeSync(pipe);
    expect(await starting.end()).toBe(0);
    expect(starting.output()).toContain('"event":"stopping"');
    expect(starting.output()).not.toContain('"event":"ready"');
  });
});

/** Of a machine so slow that the commands' code is still to come. */
const NEVER_LOADS_COMMANDS = `import { register } from "node:module";
const load = 'export const load = (url, context, next) => url.endsWith("/commands/cli.ts") ? new Promise(() => {}) : next(url, context)';
register("data:text/javascript," + encodeURIComponent(load));
setInterval(() => {}, 1_000);`; // Node ends by itself where it waits for nothing else

function asModule(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** The command on a configuration that comes through a pipe: it waits for whoever writes it. */
async function startOnPipe(command: string): Promise<RunningProcess & { readonly file: string }> {
  const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "portcullis.yaml");
  execFileSync("mkfifo", [file]);
  const running = startProcess(PORTCULLIS, [command, "--config", file]);
  endings.push(() => running.stop());
  return { ...running, file };
}

/** Opens a pipe for writing that somebody has open for reading; undefined where nobody has (fifo(7)). */
function openWaitedFor(file: string): number | undefined {
  try {
    return openSync(file, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENXIO") return undefined;
    throw error;
  }
}

/** Whether a handler stands for the signal of this number (proc(5), SigCgt). */
function catches({ pid }: RunningProcess, signal: number): boolean {
  const [, mask = "0"] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return (BigInt(`0x${mask}`) >> BigInt(signal - 1)) % 2n === 1n;
}

describe("an address in use", () => {
  test.each([
    ["serve", "grpc"],
    ["serve", "ops"],
    ["dev", "control"],
    ["control", "control"],
  ])("ends %s with 1 and its name where it is %s's", async (command, part) => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((listening) => holder.once("listening", listening));
    endings.push(() => new Promise((closed) => holder.close(closed)));
    const taken = `127.0.0.1:${(holder.address() as AddressInfo).port}`;
    const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
    endings.push(() => rm(folder, { recursive: true, force: true }));
    const free = "127.0.0.1:0";
    const listen = { grpc: free, ops: free, control: free, [part]: taken };
    const issuers = [{ issuer: "https://id.example.com", jwks: { file: "jwks.json" }, audiences: ["a"] }];
    await writeFile(join(folder, "jwks.json"), JWKS);
    await writeFile(
      join(folder, "p.yaml"),
      JSON.stringify({ listen, issuers, store: { type: "memory" }, drain: { delay: "10ms" } }),
    );
    const running = startProcess(PORTCULLIS, [command, "--config", join(folder, "p.yaml")]);
    expect(await running.end()).toBe(1);
    expect(running.output()).toMatch(
      new RegExp(`^portcullis: ${part} did not start: .*${taken}.*EADDRINUSE|EADDRINUSE.*${taken}`, "m"),
    );
    expect(running.output()).not.toContain("    at ");
  });
});

describe("what is not there yet", () => {
  test("a store that is absent at the start: it serves, refuses, is not ready; and is ready once the store comes", async () => {
    const redis = await startRedis();
    endings.push(() => redis.stop());
    await redis.kill();
    const sidecar = await start(`store: { type: redis, url: "${redis.url}" }\n`, { waitUntilReady: false });
    const clients = clientsOf(sidecar);
    expect(await readinessOf(sidecar)).toMatchObject({ status: 503, components: { store: { state: "not_ready" } } });
    expect(await clients.health("")).toBe("NOT_SERVING");
    await until("the keys to be read", async () => {
      const { status, metadata } = await sidecar.check({ path: "/", token: token() });
      return status === 503 && metadata["reason"] === "revocation_unavailable";
    });
    await redis.restart();
    await until("readiness", async () => (await readinessOf(sidecar)).status === 200);
    await until("health to say the same", async () => (await clients.health("")) === "SERVING");
    expect((await sidecar.check({ path: "/", token: token() })).status).toBe(200);
  });

  test("keys that cannot be read at the start: the same, with its own reason", async () => {
    const jwks = await startJwksServer((_request, response) => void response.writeHead(500).end());
    endings.push(() => jwks.stop());
    const issuer = `{ issuer: "https://id.example.com", jwks: { url: "${jwks.url}/jwks" }, audiences: [orders-api], algorithms: [ES256] }`;
    const sidecar = await start(`issuers: [${issuer}]\n${MEMORY}`, { waitUntilReady: false });
    const clients = clientsOf(sidecar);
    expect(await readinessOf(sidecar)).toMatchObject({
      status: 503,
      components: { "keys:main": { state: "not_ready" } },
    });
    const refused = await sidecar.check({ path: "/", token: token() });
    expect([refused.status, refused.metadata["reason"]]).toEqual([503, "keys_unavailable"]);
    expect(await clients.health("envoy.service.auth.v3.Authorization")).toBe("NOT_SERVING");
    jwks.answer = serveText(JWKS);
    await until("readiness", async () => (await readinessOf(sidecar)).status === 200);
    expect((await sidecar.check({ path: "/", token: token() })).status).toBe(200);
  });

  test("a store outage later on leaves it ready: tiers decide, not the balancer", async () => {
    const redis = await startRedis();
    endings.push(() => redis.stop());
    const sidecar = await start(`store: { type: redis, url: "${redis.url}" }\n`);
    const clients = clientsOf(sidecar);
    await redis.kill();
    await until(
      "the outage to be noticed",
      async () => (await readinessOf(sidecar)).components["store"]?.state === "degraded",
    );
    expect((await readinessOf(sidecar)).status).toBe(200);
    expect(await clients.health("")).toBe("SERVING");
    expect((await sidecar.check({ path: "/", token: token() })).status).toBe(503);
  });

  test("a Redis that may evict revocations is not ready until it may not", async () => {
    const redis = await startRedis({ args: ["--maxmemory-policy", "allkeys-lru"] });
    endings.push(() => redis.stop());
    const sidecar = await start(`store: { type: redis, url: "${redis.url}" }\n`, { waitUntilReady: false });
    await until("the policy to be told", async () => {
      const { status, components } = await readinessOf(sidecar);
      return status === 503 && components["store"]?.detail?.includes("allkeys-lru");
    });
    await redis.cli("CONFIG", "SET", "maxmemory-policy", "noeviction");
    await until("readiness", async () => (await readinessOf(sidecar)).status === 200, 20_000);
  });
});

describe("where it listens", () => {
  test("on a unix socket, on IPv6 and on IPv4 at once; ops on IPv6", async () => {
    const folder = await mkdtemp(join(tmpdir(), "portcullis-"));
    endings.push(() => rm(folder, { recursive: true, force: true }));
    const socket = `unix:${join(folder, "authz.sock")}`;
    const sidecar = await start(`listen: { grpc: ["${socket}", "[::1]:0", "127.0.0.1:0"], ops: "[::1]:0" }\n${MEMORY}`);
    expect(sidecar.opsUrl).toMatch(/^http:\/\/\[::1\]:\d+$/);
    const [, list = ""] = await sidecar.process.line(/"addresses":(\[[^\n]*?"\])/);
    const addresses = JSON.parse(list) as readonly string[];
    expect(addresses).toEqual([
      socket,
      expect.stringMatching(/^\[::1\]:\d+$/),
      expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    ]);
    for (const address of addresses)
      expect(await clientsOf({ ...sidecar, grpcAddress: address }).health("")).toBe("SERVING");
  });
});
