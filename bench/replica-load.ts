// Loads one replica from a real Redis, as a sidecar does at its start, and prints what that took as a line of JSON:
// `node bench/replica-load.ts URL`. Ends by itself.

import { createRedisReplicaSource } from "../src/revocation/redis/replica-source.ts";
import { eventLoop } from "../src/resilience/schedule.ts";
import { createReplica } from "../src/revocation/replica/replica.ts";

export interface ReplicaLoad {
  readonly entryCount: number;
  /** From the start to the first position, at which it answers for itself. */
  readonly loadMs: number;
  /** Buffers of the process: the table, and what the connections hold. */
  readonly bufferMiB: number;
  /** The longest that a timer of the process was late meanwhile, and the most that its thread computed between two. */
  readonly longestPauseMs: number;
  readonly longestWorkMs: number;
}

const TICK_MS = 1;
const MIB = 1_048_576;

const nothing = (): void => undefined;
const clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };
const log = { info: nothing, warn: nothing, error: nothing };
const replica = createReplica({
  source: createRedisReplicaSource({ url: process.argv[2] ?? "", keyPrefix: "", clock, log }),
  clock,
  schedule: eventLoop,
  log,
  observer: { replicaIs: nothing },
  random: Math.random,
  scanEveryMs: 10_000,
  directWriters: true,
});
const emptyBytes = process.memoryUsage().arrayBuffers;
const beganAtMs = performance.now();
let lastAtMs = beganAtMs;
let longestPauseMs = 0;
let longestWorkMs = 0;
let work = process.threadCpuUsage();
replica.start();
const tick = setInterval(() => {
  const nowMs = performance.now();
  longestPauseMs = Math.max(longestPauseMs, nowMs - lastAtMs - TICK_MS);
  lastAtMs = nowMs;
  const done = process.threadCpuUsage(work);
  work = process.threadCpuUsage();
  longestWorkMs = Math.max(longestWorkMs, (done.user + done.system) / 1000);
  if (replica.position === undefined) return;
  clearInterval(tick);
  const load: ReplicaLoad = {
    entryCount: replica.status().entryCount,
    loadMs: nowMs - beganAtMs,
    bufferMiB: (process.memoryUsage().arrayBuffers - emptyBytes) / MIB,
    longestPauseMs,
    longestWorkMs,
  };
  process.stdout.write(`${JSON.stringify(load)}\n`);
  void replica.stop();
}, TICK_MS);
