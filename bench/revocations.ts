// What revocations cost a running sidecar: how soon one is refused, by tier and by way of revoking, and the memory that a
// million of them takes in the store and in the sidecar.
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { Redis } from "ioredis";
import type { Target } from "../src/core/target.ts";
import { markerKey } from "../src/revocation/keys.ts";
import { markerValue } from "../src/revocation/marker.ts";
import { indexKey, indexValue } from "../src/revocation/redis/own-keys.ts";
import type { StoredRevocation } from "../src/revocation/store.ts";
import type { Token } from "./fixtures/tokens.ts";
import type { LoadResult } from "./load/job.ts";
import { measure } from "./measure.ts";
import { freePort } from "./ports.ts";
import { CORE } from "./processes.ts";
import type { ReplicaLoad } from "./replica-load.ts";
import { type RevokeTiming, timeRevocations } from "./revoke-timing.ts";
import type { Lab } from "./rounds.ts";
import { type Place, type Settings, startControlPlane, startSidecar } from "./targets/portcullis.ts";
import { startRedis } from "./targets/redis.ts";

const TIERS = ["critical", "standard", "low"] as const;
export type TierName = (typeof TIERS)[number];
const STALENESS_MS: Readonly<Record<TierName, number>> = { critical: 0, standard: 2000, low: 30_000 };

export interface RevokeOutcome extends RevokeTiming {
  readonly tier: TierName;
  readonly way: "Redis SET" | "API POST";
}

export interface MemoryOutcome {
  readonly revocationCount: number;
  /** Memory of the store for one revocation as the API writes it, and as a bare `SET … EX` does. */
  readonly storeBytes: number;
  readonly bareBytes: number;
  /** Under the load of the strictest tier, with the store empty and full. */
  readonly sidecarEmpty: LoadResult;
  readonly sidecarFull: LoadResult;
  /** Of a replica alone, by how many revocations there are. */
  readonly replicaLoads: readonly ReplicaLoad[];
}

export interface RevocationOutcome {
  readonly timings: readonly RevokeOutcome[];
  readonly memory: MemoryOutcome | undefined;
}

const MARKER_LIFETIME_S = 3600;
const REPLICA_LOAD = join(import.meta.dirname, "replica-load.ts");
const FILL_BATCH_COUNT = 10_000;
const BARE_COUNT = 100_000;
const REPLICA_COUNTS = [10_000, 100_000, 1_000_000];

type Revoke = (token: Token) => Promise<void>;

export async function measureRevocations(lab: Lab, place: Place): Promise<RevocationOutcome> {
  const server = await startRedis(lab.processes, lab.work, "redis-revoked");
  const redis = new Redis({ path: server.socket });
  const secret = randomBytes(32).toString("base64url");
  const settings: Settings = {
    redisSocket: server.socket,
    feed: "redis",
    // The defaults.
    tiers: {
      critical: { maxStaleness: "0s" },
      standard: { maxStaleness: "2s" },
      low: { maxStaleness: "30s", failOpenFor: "5m" },
    },
    routes: TIERS.map((tier) => ({ path: `/${tier}/**`, tier })),
    control: {
      tokens: [
        { name: "bench", sha256: createHash("sha256").update(secret).digest("hex"), scopes: ["portcullis:revoke"] },
      ],
    },
  };
  const [port, controlPort] = [await freePort(), await freePort()];
  const sidecar = await startSidecar(place, settings, port);
  const plane = await startControlPlane(place, settings, controlPort);
  try {
    const ways: (readonly [RevokeOutcome["way"], Revoke])[] = [
      ["Redis SET", byRedis(redis)],
      ["API POST", byApi(controlPort, secret)],
    ];
    const timings = await timeAll(lab, port, ways);
    await plane.stop();
    const watch = { server: sidecar.pid, redis: server.running.pid };
    const memory = lab.isTimeUp() ? undefined : await measureMemory(lab, redis, server.socket, port, watch);
    return { timings, memory };
  } finally {
    redis.disconnect();
    await plane.stop();
    await sidecar.stop();
    await server.running.stop();
  }
}

async function timeAll(
  lab: Lab,
  port: number,
  ways: readonly (readonly [RevokeOutcome["way"], Revoke])[],
): Promise<RevokeOutcome[]> {
  // Tokens of the other algorithm than the load carries: they end up revoked.
  const tokens = [...lab.fixtures.tokens.es256];
  const timings: RevokeOutcome[] = [];
  for (const tier of TIERS) {
    const count = lab.plan.revokeCount[tier];
    if (count === 0 || lab.isTimeUp()) continue;
    const maxStalenessMs = STALENESS_MS[tier];
    // A staleness has to be lived through; without one, the moment itself is looked at closely.
    const asking =
      maxStalenessMs === 0 ? { askEveryMs: 0.5, askBeforeMs: 20 } : { askEveryMs: 10, askBeforeMs: Infinity };
    const run = async ([way, revoke]: readonly [RevokeOutcome["way"], Revoke]): Promise<RevokeOutcome> => {
      const path = `/${tier}/orders`;
      const trial = { port, path, tokens: tokens.splice(0, count), maxStalenessMs, ...asking, revoke };
      return { tier, way, ...(await timeRevocations(trial)) };
    };
    // Both ways at once: the long staleness of a tier is waited for only once.
    const outcomes = await Promise.all(ways.map(run));
    for (const { way, toRefusalMs } of outcomes) {
      lab.say(`revoked by ${way}, ${tier}: refused after at most ${Math.max(...toRefusalMs).toFixed(1)} ms`);
    }
    timings.push(...outcomes);
  }
  return timings;
}

function byRedis(redis: Redis): Revoke {
  return async ({ jti }) => {
    await redis.set(`revoked:jti:main:${jti}`, "1", "EX", MARKER_LIFETIME_S);
  };
}

function byApi(port: number, secret: string): Revoke {
  return async ({ jti }) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/revocations`, {
      method: "POST",
      headers: { authorization: `Bearer ${secret}`, "content-type": "application/json", "idempotency-key": jti },
      body: JSON.stringify({ target: { kind: "token", issuer: "main", id: jti }, reason: "bench" }),
    });
    if (response.status !== 201) throw new Error(`POST /v1/revocations: ${response.status} ${await response.text()}`);
    await response.body?.cancel();
  };
}

async function measureMemory(
  lab: Lab,
  redis: Redis,
  socket: string,
  port: number,
  watch: Readonly<Record<string, number>>,
): Promise<MemoryOutcome> {
  const load = { mode: "max", endpoint: { host: "127.0.0.1", port }, alg: "rs256", watch, seed: 1 } as const;
  const { processes, plan, fixtures } = lab;
  const revocationCount = plan.storedRevocationCount;
  const sidecarEmpty = await measure(processes, plan, fixtures.folder, load);
  const emptyBytes = await usedBytes(redis);
  const replicaLoads: ReplicaLoad[] = [];
  let stored = 0;
  for (const count of REPLICA_COUNTS.filter((one) => one <= revocationCount)) {
    await fill(redis, stored, count, ownEntries);
    stored = count;
    replicaLoads.push(await loadReplica(lab, socket));
  }
  const storeBytes = ((await usedBytes(redis)) - emptyBytes) / stored;
  const sidecarFull = await measure(processes, plan, fixtures.folder, load);
  const bareBytes = await bytesOfBare(lab);
  lab.say(
    `${revocationCount} revocations stored: ${storeBytes.toFixed(0)} bytes each, ${bareBytes.toFixed(0)} by a bare SET`,
  );
  return { revocationCount, storeBytes, bareBytes, sidecarEmpty, sidecarFull, replicaLoads };
}

/** In a store of its own: beside the others, the few more would double the store's hash table and be charged with it. */
async function bytesOfBare(lab: Lab): Promise<number> {
  const server = await startRedis(lab.processes, lab.work, "redis-bare");
  const redis = new Redis({ path: server.socket });
  try {
    const emptyBytes = await usedBytes(redis);
    await fill(redis, 0, BARE_COUNT, bareEntries);
    return ((await usedBytes(redis)) - emptyBytes) / BARE_COUNT;
  } finally {
    redis.disconnect();
    await server.running.stop();
  }
}

/** What is written for the revocation of a token, as key and value. */
type Entries = (index: number, expiresAtMs: number) => readonly (readonly [key: string, value: string])[];

/** As any program does it with one SET. */
const bareEntries: Entries = (index) => [[markerKey("", targetOf("bare", index)), "1"]];

/** As the API does it: the marker, and the index entry by which it is listed and lifted. */
const ownEntries: Entries = (index, expiresAtMs) => {
  const revocation: StoredRevocation = {
    id: jtiOf("0e00", index),
    seq: index,
    target: targetOf("own", index),
    reason: "account closed",
    by: "bench",
    atMs: expiresAtMs,
    issuedBeforeS: undefined,
    expiresAtMs,
  };
  const key = markerKey("", revocation.target);
  return [
    [key, markerValue(revocation)],
    [indexKey("", revocation.id), indexValue(revocation, key)],
  ];
};

function targetOf(kind: "bare" | "own", index: number): Target {
  return { kind: "token", issuer: "main", id: jtiOf(kind === "bare" ? "ba00" : "0a00", index) };
}

function jtiOf(group: string, index: number): string {
  return `0198f2c4-7a31-7d0e-${group}-${index.toString(16).padStart(12, "0")}`;
}

/** In a process of its own, on the server's core. */
async function loadReplica(lab: Lab, socket: string): Promise<ReplicaLoad> {
  const output = await lab.processes.run(CORE.server, [process.execPath, REPLICA_LOAD, `unix:${socket}`]);
  const load = JSON.parse(output) as ReplicaLoad;
  lab.say(`a replica of ${load.entryCount}: loaded in ${load.loadMs.toFixed(0)} ms`);
  return load;
}

/** Writes the revocations from `from` to before `to`. */
async function fill(redis: Redis, from: number, to: number, entries: Entries): Promise<void> {
  const expiresAtMs = Date.now() + MARKER_LIFETIME_S * 1000;
  for (let first = from; first < to; first += FILL_BATCH_COUNT) {
    const pipeline = redis.pipeline();
    for (let index = first; index < Math.min(to, first + FILL_BATCH_COUNT); index += 1) {
      for (const [key, value] of entries(index, expiresAtMs)) pipeline.set(key, value, "PXAT", expiresAtMs);
    }
    const replies = (await pipeline.exec()) ?? [];
    const failure = replies.find(([error]) => error !== null)?.[0];
    if (failure) throw failure;
  }
}

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
}
