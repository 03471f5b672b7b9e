// Measures what docs/scale.md reckons with: bytes of Redis and of a replica, bytes and commands on the wire, CPU of Redis and
// of a relay. Each on real parts on this machine; it multiplies nothing.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import { WebSocket } from "ws";
import { markerKey } from "../../src/revocation/keys.ts";
import { markerValue } from "../../src/revocation/marker.ts";
import { indexKey, indexValue } from "../../src/revocation/redis/own-keys.ts";
import { createRedisReplicaSource } from "../../src/revocation/redis/replica-source.ts";
import { createFingerprints } from "../../src/revocation/replica/fingerprint.ts";
import { createReplica, type Replica } from "../../src/revocation/replica/replica.ts";
import { MarkerTable } from "../../src/revocation/replica/table.ts";
import { eventLoop } from "../../src/resilience/schedule.ts";
import { startPortcullis, type PortcullisProcess } from "../../test/support/portcullis.ts";
import { startRedis } from "../../test/support/redis-server.ts";
import { JWKS } from "../../test/support/sidecar.ts";
import { until } from "../../test/support/wait.ts";

const silent = { info() {}, warn() {}, error() {} };
const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

/** What Redis tells of itself (INFO), as numbers. */
async function info(redis: Redis, name: string): Promise<number> {
  const text = await redis.info();
  return Number(new RegExp(`^${name}:(.*)$`, "m").exec(text)?.[1]);
}

async function redisCpuMs(redis: Redis): Promise<number> {
  return ((await info(redis, "used_cpu_user")) + (await info(redis, "used_cpu_sys"))) * 1_000;
}

export interface StoreBytes {
  readonly count: number;
  /** Marker and index entry, as the control API writes them; used_memory over their number. */
  readonly perRevocation: number;
}

/** As the API writes them: a marker with its value, and the index from its id. */
export async function measureStoreBytes(counts: readonly number[]): Promise<readonly StoreBytes[]> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const empty = await info(redis, "used_memory");
  const results: StoreBytes[] = [];
  let written = 0;
  for (const count of counts) {
    while (written < count) {
      const pipeline = redis.pipeline();
      for (const end = Math.min(count, written + 10_000); written < end; written += 1) write(pipeline, written);
      await pipeline.exec();
    }
    results.push({ count, perRevocation: ((await info(redis, "used_memory")) - empty) / count });
  }
  redis.disconnect();
  await server.stop();
  return results;
}

function write(pipeline: ReturnType<Redis["pipeline"]>, seq: number): void {
  const target = { kind: "token", issuer: "main", id: randomUUID() } as const;
  const expiresAtMs = Date.now() + 3_600_000;
  const facts = { id: randomUUID(), seq, target, reason: "laptop stolen", by: "operator", atMs: Date.now() };
  const revocation = { ...facts, issuedBeforeS: undefined, expiresAtMs };
  const key = markerKey("", target);
  pipeline.set(key, markerValue(revocation), "PXAT", expiresAtMs);
  pipeline.set(indexKey("", revocation.id), indexValue(revocation, key), "PXAT", expiresAtMs);
}

export interface TableBytes {
  readonly count: number;
  readonly mib: number;
  readonly lookUpNs: number;
}

/** One table, filled step by step, and looked up at random after each. */
export function measureTable(counts: readonly number[]): readonly TableBytes[] {
  const fingerprints = createFingerprints();
  const table = new MarkerTable();
  const meaning = { issuedBeforeS: Infinity, expiresAtS: 10, revocationId: "01990000-0000-7000-8000-000000000000" };
  const chunk = new Int32Array(100_000 * 4);
  let written = 0;
  return counts.map((count) => {
    for (; written < count; written += 1) {
      chunk.set(fingerprints.of([keyNumber(written)]), 0);
      table.set(chunk, 0, meaning, 1);
    }
    for (let i = 0; i < 100_000; i += 1)
      chunk.set(fingerprints.of([keyNumber(Math.floor(Math.random() * count))]), i * 4);
    const before = process.threadCpuUsage();
    for (let i = 0; i < 400_000; i += 1) table.issuedBeforeS(chunk, (i % 100_000) * 4, 0);
    const { user, system } = process.threadCpuUsage(before);
    return { count, mib: table.bytes / 2 ** 20, lookUpNs: ((user + system) * 1_000) / 400_000 };
  });
}

function keyNumber(i: number): string {
  return `revoked:jti:main:01990000-0000-7000-8000-${String(i).padStart(12, "0")}`;
}

export interface AskedCost {
  /** Checks that share one MGET. */
  readonly batch: number;
  readonly redisUsPerCheck: number;
  readonly bytesPerCheck: number;
}

/** What a critical Check costs Redis: six keys of its own (token, session, key, user, tenant, client) and what all share. */
export async function measureAsking(batches: readonly number[]): Promise<readonly AskedCost[]> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const shared = [
    "global:revoked_after",
    "portcullis:{feed}:vouched",
    "portcullis:{feed}:keeper",
    "issuer:revoked_after:main",
  ];
  const kinds = [
    "revoked:jti:main:",
    "revoked:sid:main:",
    "revoked:kid:main:",
    "user:revoked_after:main:",
    "tenant:revoked_after:main:",
    "client:revoked_after:main:",
  ];
  const results: AskedCost[] = [];
  for (const batch of batches) {
    const keys = Array.from({ length: batch }, () => kinds.map((kind) => kind + randomUUID()))
      .flat()
      .concat(shared);
    const rounds = Math.ceil(60_000 / batch);
    const cpu = await redisCpuMs(redis);
    const bytes = (await info(redis, "total_net_input_bytes")) + (await info(redis, "total_net_output_bytes"));
    for (let at = 0; at < rounds; at += 50) {
      await Promise.all(Array.from({ length: Math.min(50, rounds - at) }, () => redis.mget(keys)));
    }
    const checks = rounds * batch;
    results.push({
      batch,
      redisUsPerCheck: (((await redisCpuMs(redis)) - cpu) * 1_000) / checks,
      bytesPerCheck:
        ((await info(redis, "total_net_input_bytes")) + (await info(redis, "total_net_output_bytes")) - bytes) / checks,
    });
  }
  redis.disconnect();
  await server.stop();
  return results;
}

export interface Follower {
  /** Per second while nothing happens. */
  readonly idle: { readonly commands: number; readonly bytes: number; readonly cpuUs: number };
  /** Of one revocation told to one follower. */
  readonly told: { readonly bytes: number; readonly cpuUs: number };
}

const FOLLOWERS = 40;
const REVOCATIONS = 200;
const IDLE_MS = 5_000;
const APART_MS = 40;

/** Sidecars that Redis feeds: real replicas, in this process. */
export async function measureRedisFeed(directWriters: boolean): Promise<Follower> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const { control, revoke } = await startControl(server.url);
  const replicas = Array.from({ length: FOLLOWERS }, () => replicaOf(server.url, directWriters));
  for (const replica of replicas) replica.start();
  await revoke();
  await until("all to be in step", () => replicas.every((replica) => replica.status().heededUpTo), 60_000);
  const reading = async (): Promise<Reading> => ({
    commands: await info(redis, "total_commands_processed"),
    bytes: (await info(redis, "total_net_input_bytes")) + (await info(redis, "total_net_output_bytes")),
    cpuUs: (await redisCpuMs(redis)) * 1_000,
  });
  const result = await measureFollowers(reading, revoke, FOLLOWERS, (seq) =>
    replicas.every((replica) => (replica.status().heededUpTo?.seq ?? 0) >= seq),
  );
  await Promise.all(replicas.map((replica) => replica.stop()));
  await control.stop();
  redis.disconnect();
  await server.stop();
  return result;
}

interface Reading {
  readonly commands: number;
  readonly bytes: number;
  readonly cpuUs: number;
}

async function measureFollowers(
  reading: () => Promise<Reading>,
  revoke: () => Promise<number>,
  followers: number,
  haveAll: (seq: number) => boolean,
): Promise<Follower> {
  const began = await reading();
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idle = await reading();
  const seconds = (performance.now() - from) / 1_000;
  const perSecond = (key: keyof Reading): number => (idle[key] - began[key]) / seconds / followers;
  const busyFrom = performance.now();
  let seq = 0;
  for (let i = 0; i < REVOCATIONS; i += 1) {
    seq = await revoke();
    await new Promise((resolve) => setTimeout(resolve, APART_MS)); // or several would be told as one
  }
  await until("all to have it", () => haveAll(seq), 30_000);
  const busy = await reading();
  const busySeconds = (performance.now() - busyFrom) / 1_000;
  const each = (key: keyof Reading): number =>
    ((busy[key] - idle[key]) / followers - perSecond(key) * busySeconds) / REVOCATIONS;
  return {
    idle: { commands: perSecond("commands"), bytes: perSecond("bytes"), cpuUs: perSecond("cpuUs") },
    told: { bytes: each("bytes"), cpuUs: each("cpuUs") },
  };
}

function replicaOf(url: string, directWriters: boolean): Replica {
  return createReplica({
    clock,
    schedule: eventLoop,
    log: silent,
    observer: { replicaIs() {} },
    random: Math.random,
    source: createRedisReplicaSource({ url, keyPrefix: "", clock, log: silent }),
    scanEveryMs: 10_000,
    directWriters,
  });
}

interface Control {
  readonly control: PortcullisProcess;
  /** Its seq. */
  revoke(): Promise<number>;
  readonly headers: Readonly<Record<string, string>>;
}

async function startControl(redisUrl: string): Promise<Control> {
  const secret = randomBytes(32).toString("base64url");
  const control = await startPortcullis({
    command: "control",
    files: { "jwks.json": JWKS },
    config: `issuers: [{ issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [a] }]
store: { type: redis, url: "${redisUrl}" }
control:
  tokens: [{ name: b, sha256: ${createHash("sha256").update(secret).digest("hex")}, scopes: [portcullis:admin] }]
`,
  });
  const headers = { authorization: `Bearer ${secret}` };
  return {
    control,
    headers,
    async revoke() {
      const answer = await fetch(`${control.controlUrl}/v1/revocations`, {
        method: "POST",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify({ target: { kind: "token", id: randomUUID() }, reason: "laptop stolen" }),
      });
      if (answer.status !== 201) throw new Error(`answered ${answer.status}`);
      return ((await answer.json()) as { readonly seq: number }).seq;
    },
  };
}

const RELAYED = 400;

/** Sidecars that a control plane tells: as many WebSockets that ask once a second and read what they are told. */
export async function measureRelayFeed(): Promise<Follower> {
  const server = await startRedis();
  const { control, revoke, headers } = await startControl(server.url);
  const url = `${control.controlUrl.replace("http", "ws")}/v1/relay`;
  const streams: Socket[] = [];
  const followers = Array.from({ length: RELAYED }, () => {
    const socket = new WebSocket(url, { headers });
    const follower = { socket, isWhole: false, heeded: 0 };
    socket.once("upgrade", ({ socket: stream }) => streams.push(stream));
    socket.on("message", (data, isBinary) => {
      if (isBinary) return;
      const text = (data as Buffer).toString();
      follower.isWhole ||= text.includes('"whole"');
      const seq = Number(/"heeded":\{[^}]*"seq":(\d+)/.exec(text)?.[1] ?? 0);
      follower.heeded = Math.max(follower.heeded, seq);
    });
    return follower;
  });
  await until("all to have everything", () => followers.every(({ isWhole }) => isWhole), 60_000);
  let ask = 0;
  const asking = setInterval(() => {
    ask += 1;
    const tenth = ask % 10;
    for (let i = tenth; i < RELAYED; i += 10) followers[i]?.socket.send(JSON.stringify({ ask }));
  }, 100);
  const reading = async (): Promise<Reading> => ({
    commands: ask * (RELAYED / 10),
    bytes: streams.reduce((sum, { bytesRead, bytesWritten }) => sum + bytesRead + bytesWritten, 0),
    cpuUs: processCpuMs(control.process.pid) * 1_000,
  });
  const result = await measureFollowers(reading, revoke, RELAYED, (seq) =>
    followers.every(({ heeded }) => heeded >= seq),
  );
  clearInterval(asking);
  for (const { socket } of followers) socket.terminate();
  await control.stop();
  await server.stop();
  return result;
}

/** USER_HZ of Linux is 100. */
function processCpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
