// One Redis that keeps what it acknowledged (appendfsync always), and a way of its own to it for each process.

import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { startRedis, type RedisProcess } from "../../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { until } from "../../support/wait.ts";
import type { Fault, Notes } from "../fault.ts";
import { existing } from "./servers.ts";
import type { World } from "./world.ts";

const DURABLE = ["--appendonly", "yes", "--appendfsync", "always"];

/** Far below what an empty Redis needs: every write is refused. */
const NO_MEMORY = "1mb";

/** `clients` are the names of the processes that will ask it. */
export async function startSingleWorld(clients: readonly string[]): Promise<World> {
  const redis = await startRedis({ args: DURABLE, survivesLimit: true });
  const ways = new Map<string, TcpProxy>();
  for (const client of clients) ways.set(client, await startTcpProxy(redis.port));
  const way = (client: string): TcpProxy => {
    const found = ways.get(client);
    if (found === undefined) throw new Error(`${client} has no way to the store`);
    return found;
  };
  return {
    name: "single",
    feedsReplicas: true,
    urlFor: (client) => `redis://127.0.0.1:${way(client).port}`,
    watch: undefined,
    faults: [...serverFaults(redis), ...clients.flatMap((client) => wayFaults(client, way(client)))],
    async mend() {
      for (const one of ways.values()) straighten(one);
      await revive(redis);
      await settle(redis);
    },
    has: (keys) => existing(redis, keys),
    async setByHand(key) {
      const answer = await redis.cli("SET", key, "by hand", "EX", "600");
      if (answer !== "OK") throw new Error(answer);
    },
    async stop() {
      for (const one of ways.values()) await one.close();
      await redis.stop();
    },
  };
}

async function revive(redis: RedisProcess): Promise<void> {
  redis.resume();
  if (!redis.isAnswering()) await redis.restart();
}

async function settle(redis: RedisProcess): Promise<void> {
  await redis.limitFiles(undefined);
  for (const [name, value] of [
    ["maxmemory", "0"],
    ["maxmemory-policy", "noeviction"],
    ["appendfsync", "always"],
  ] as const)
    await redis.cli("CONFIG", "SET", name, value);
  await until("it to take writes", async () => (await redis.cli("SET", "chaos:probe", "1", "EX", "5")) === "OK");
}

function serverFaults(redis: RedisProcess): readonly Fault[] {
  /** Nobody was answered between the two instants: the first is after its end, the second before its return. */
  const silenced = (notes: Notes, fromMs: number): void =>
    notes.disturbed({ kind: "store silenced", fromMs, toMs: notes.nowMs() });
  return [
    {
      name: "the store is killed",
      part: "store",
      async make(_random, notes) {
        await redis.kill();
        const fromMs = notes.nowMs();
        return async () => {
          silenced(notes, fromMs);
          await redis.restart();
        };
      },
    },
    {
      name: "the store is paused",
      part: "store",
      async make(_random, notes) {
        redis.pause();
        await untilStopped(redis.pid);
        const fromMs = notes.nowMs();
        return () => {
          silenced(notes, fromMs);
          redis.resume();
        };
      },
    },
    {
      name: "the disk is full and every write must be on it",
      part: "store",
      async make() {
        await redis.limitFiles(sizeOfLog(redis));
        return async () => {
          // Redis ends itself over a write that it may not lose.
          if (redis.isAnswering()) await redis.limitFiles(undefined);
          await revive(redis);
        };
      },
    },
    {
      name: "the disk is full",
      part: "store",
      async make() {
        await redis.cli("CONFIG", "SET", "appendfsync", "everysec");
        await redis.limitFiles(sizeOfLog(redis));
        return () => settle(redis);
      },
    },
    {
      name: "the memory is full",
      part: "store",
      async make() {
        await redis.cli("CONFIG", "SET", "maxmemory", NO_MEMORY);
        return () => settle(redis);
      },
    },
    {
      name: "the eviction policy is changed",
      part: "store",
      async make(random) {
        await redis.cli("CONFIG", "SET", "maxmemory-policy", random.pick(["volatile-lru", "allkeys-random"]));
        return () => settle(redis);
      },
    },
  ];
}

/** SIGSTOP is told to a process, and heeded a moment later. */
async function untilStopped(pid: number): Promise<void> {
  await until("it to stand still", () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8")), 5_000, 1);
}

function sizeOfLog(redis: RedisProcess): number {
  return statSync(join(redis.directory, "appendonlydir", "appendonly.aof.1.incr.aof")).size;
}

function straighten(way: TcpProxy): void {
  way.mend();
  way.delay(0);
  way.lose(0);
}

/** Of one process' way to the store; other processes notice nothing. */
function wayFaults(client: string, way: TcpProxy): readonly Fault[] {
  const part = `${client}'s way to the store`;
  return [
    {
      name: `${part} is slow`,
      part,
      async make(random) {
        way.delay(Math.round(random.between(5, 400)));
        return () => straighten(way);
      },
    },
    {
      name: `${part} loses packets`,
      part,
      async make(random) {
        way.lose(random.between(0.02, 0.3), random.unit);
        return () => straighten(way);
      },
    },
    {
      name: `${part} is half open`,
      part,
      async make(random) {
        way.swallow(random.chance(0.5));
        return () => straighten(way);
      },
    },
    {
      name: `${part} is reset`,
      part,
      mostMs: 300,
      async make() {
        way.reset();
        return () => undefined;
      },
    },
  ];
}
