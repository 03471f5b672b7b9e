// A primary with two replicas under three Sentinels, none of which keeps anything on disk: what a failover loses, control
// planes must give back.

import { startSentinelSetting, type SentinelSetting } from "../../support/redis-sentinel.ts";
import type { RedisProcess } from "../../support/redis-server.ts";
import { until } from "../../support/wait.ts";
import type { Fault, Notes } from "../fault.ts";
import { existing, reviveAll } from "./servers.ts";
import { watchForDeposedPrimaries } from "./deposed-primaries.ts";
import type { World } from "./world.ts";

export async function startSentinelWorld(): Promise<World> {
  const setting = await startSentinelSetting();
  return {
    name: "sentinel",
    feedsReplicas: true,
    urlFor: () => setting.url,
    faults: faultsOf(setting),
    watch: (notes) => watchForDeposedPrimaries(setting.servers, 1, notes),
    async mend() {
      await reviveAll(setting.servers);
      for (const sentinel of setting.sentinels) sentinel.signal("SIGCONT");
      await until("a primary with two replicas in step", () => isWhole(setting), 40_000, 100);
    },
    has: async (keys) => existing(await setting.primary(), keys),
    setByHand: undefined,
    stop: () => setting.stop(),
  };
}

async function isWhole(setting: SentinelSetting): Promise<boolean> {
  const primary = await setting.primary();
  const info = await primary.cli("INFO", "replication");
  return info.includes("role:master") && [...info.matchAll(/state=online/g)].length === 2;
}

function faultsOf(setting: SentinelSetting): readonly Fault[] {
  const struck = (notes: Notes): void => {
    const nowMs = notes.nowMs();
    notes.disturbed({ kind: "store struck", fromMs: nowMs, toMs: nowMs });
  };
  /** From when a primary may have a successor, until it is a replica. */
  async function deposed(server: RedisProcess, fromMs: number, notes: Notes): Promise<void> {
    await until(
      "the deposed primary to know it",
      async () => (await isReplica(server)) || isStillPrimary(server),
      30_000,
      10,
    );
    notes.disturbed({ kind: "primary deposed", fromMs, toMs: notes.nowMs() });
  }
  const isStillPrimary = async (server: RedisProcess): Promise<boolean> =>
    (await setting.primary()) === server && (await isWhole(setting)) && setting.isSettled();

  /** Back before it was replaced it is a primary, of nothing, and may be replaced yet. */
  async function backFromTheDead(server: RedisProcess, notes: Notes): Promise<void> {
    const fromMs = notes.nowMs();
    await server.restart();
    await deposed(server, fromMs, notes);
  }

  return [
    {
      name: "the primary is killed",
      part: "store",
      async make(_random, notes) {
        const primary = await setting.primary();
        struck(notes);
        await primary.kill();
        return () => backFromTheDead(primary, notes);
      },
    },
    {
      name: "the primary is paused",
      part: "store",
      async make(_random, notes) {
        const primary = await setting.primary();
        struck(notes);
        const fromMs = notes.nowMs();
        primary.pause();
        return async () => {
          primary.resume();
          await deposed(primary, fromMs, notes);
        };
      },
    },
    {
      name: "a failover is ordered",
      part: "store",
      async make(_random, notes) {
        const primary = await setting.primary();
        struck(notes);
        const fromMs = notes.nowMs();
        await setting.failOver();
        return () => deposed(primary, fromMs, notes);
      },
    },
    {
      name: "the replicas hear nothing, and the primary is killed",
      part: "store",
      async make(random, notes) {
        const primary = await setting.primary();
        const replicas = setting.servers.filter((server) => server !== primary);
        for (const replica of replicas) await replica.cli("REPLICAOF", "127.0.0.1", "1");
        // What is acknowledged now, the one that is promoted will not have.
        await new Promise((resolve) => setTimeout(resolve, random.between(50, 400)));
        struck(notes);
        await primary.kill();
        return () => backFromTheDead(primary, notes);
      },
    },
    {
      name: "a replica is paused",
      part: "store",
      async make(random) {
        const primary = await setting.primary();
        const replica = random.pick(setting.servers.filter((server) => server !== primary));
        replica.pause();
        return () => replica.resume();
      },
    },
    {
      name: "a Sentinel is paused",
      part: "a Sentinel",
      async make(random) {
        const sentinel = random.pick(setting.sentinels);
        sentinel.signal("SIGSTOP");
        return () => sentinel.signal("SIGCONT");
      },
    },
  ];
}

async function isReplica(server: RedisProcess): Promise<boolean> {
  return (await server.cli("ROLE")).startsWith("slave");
}
