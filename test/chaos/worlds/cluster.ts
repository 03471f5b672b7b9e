// A Cluster of three primaries with a replica each, without anything on disk: nobody gives back what one of them loses, so
// only `replicated` survives a failover.

import { startClusterSetting, type ClusterSetting } from "../../support/redis-cluster.ts";
import type { RedisProcess } from "../../support/redis-server.ts";
import type { Random } from "../../support/random.ts";
import { until } from "../../support/wait.ts";
import type { Fault, Notes } from "../fault.ts";
import { watchForDeposedPrimaries } from "./deposed-primaries.ts";
import { reviveAll } from "./servers.ts";
import type { World } from "./world.ts";

const LAST_SLOT = 16_383;
const PRIMARY_COUNT = 3;

type Pair = readonly [primary: RedisProcess, replica: RedisProcess];

export async function startClusterWorld(): Promise<World> {
  const cluster = await startClusterSetting();
  return {
    name: "cluster",
    feedsReplicas: false,
    urlFor: () => cluster.url,
    faults: faultsOf(cluster),
    watch(notes) {
      const endWatch = watchForDeposedPrimaries(cluster.servers, PRIMARY_COUNT, notes);
      return async () => {
        await endWatch();
        notes.disturbed({ kind: "planes forgot", fromMs: 0, toMs: notes.nowMs() }); // nobody remembers for a Cluster
      };
    },
    async mend() {
      await reviveAll(cluster.servers);
      await until("the Cluster to be whole", () => isWhole(cluster), 40_000, 100);
    },
    async has(keys) {
      const found: boolean[] = [];
      for (const key of keys) found.push(Number(await cluster.cli("EXISTS", key)) === 1);
      return found;
    },
    setByHand: undefined,
    stop: () => cluster.stop(),
  };
}

/** Every node sees three primaries with a replica each, in step, and every slot held. */
async function isWhole({ servers }: ClusterSetting): Promise<boolean> {
  const views = await Promise.all(
    servers.map(async (server) => {
      const info = await server.cli("CLUSTER", "INFO");
      const nodes = await server.cli("CLUSTER", "NODES");
      const role = await server.cli("ROLE");
      const isInStep = role.startsWith("slave")
        ? role.includes("connected")
        : /^\d+\.?/m.test(role.split("\n")[2] ?? "");
      return (
        isInStep &&
        info.includes("cluster_state:ok") &&
        info.includes("cluster_slots_ok:16384") &&
        !/fail|handshake/.test(nodes) &&
        [...nodes.matchAll(/ (?:myself,)?slave /g)].length === 3
      );
    }),
  );
  return views.every(Boolean);
}

function faultsOf(cluster: ClusterSetting): readonly Fault[] {
  const replicaOf = async (primary: RedisProcess): Promise<RedisProcess | undefined> => {
    const id = await cluster.idOf(primary);
    const nodes = await cluster.cli("CLUSTER", "NODES");
    const line = nodes.split("\n").find((one) => one.includes(`slave ${id} `));
    return cluster.servers.find(({ port }) => line?.includes(`:${port}@`));
  };
  /** Once they are one: who came back a moment ago may not be known to everybody yet, nor be in step. */
  const anyPair = async (random: Random): Promise<Pair> => {
    const slot = random.integer(LAST_SLOT);
    const find = async (): Promise<Pair | undefined> => {
      const primary = await cluster.ownerOf(slot);
      const replica = await replicaOf(primary);
      const role = await replica?.cli("ROLE");
      return replica !== undefined && role?.includes("connected") === true ? [primary, replica] : undefined;
    };
    return until("a primary with a replica in step", find, 20_000, 50);
  };
  const isReplica = async (server: RedisProcess): Promise<boolean> => (await server.cli("ROLE")).startsWith("slave");
  const struck = (notes: Notes): void => {
    const nowMs = notes.nowMs();
    notes.disturbed({ kind: "store struck", fromMs: nowMs, toMs: nowMs });
  };
  return [
    {
      name: "a primary is killed",
      part: "store",
      async make(random, notes) {
        const [primary, replica] = await anyPair(random);
        struck(notes);
        await primary.kill();
        return async () => {
          // Back before that, it would be the primary again, of nothing: no receipt survives it.
          await until("its replica to take its place", async () => !(await isReplica(replica)), 20_000, 50);
          await primary.restart();
        };
      },
    },
    {
      name: "a primary is paused",
      part: "store",
      async make(random, notes) {
        const [primary] = await anyPair(random);
        struck(notes);
        const fromMs = notes.nowMs();
        primary.pause();
        return async () => {
          primary.resume();
          await until("everybody to know its place", () => isWhole(cluster), 20_000, 10);
          notes.disturbed({ kind: "primary deposed", fromMs, toMs: notes.nowMs() });
        };
      },
    },
    {
      name: "a failover is ordered",
      part: "store",
      async make(random, notes) {
        const [primary, replica] = await anyPair(random);
        struck(notes);
        await replica.cli("CLUSTER", "FAILOVER");
        return () => until("it", async () => isReplica(primary), 20_000, 10).then(() => undefined);
      },
    },
    {
      name: "slots are moved",
      part: "store",
      async make(random) {
        const [from, to] = await twoPrimaries(cluster, random);
        const keys = await from.cli("SCAN", String(0), "COUNT", "50");
        for (const key of keys.split("\n").slice(1, 6)) {
          const slot = Number(await from.cli("CLUSTER", "KEYSLOT", key));
          if ((await cluster.ownerOf(slot)) === from) await cluster.moveSlot(slot, from, to);
        }
        return () => undefined;
      },
    },
  ];
}

async function twoPrimaries(cluster: ClusterSetting, random: Random): Promise<readonly [RedisProcess, RedisProcess]> {
  for (;;) {
    const [from, to] = [
      await cluster.ownerOf(random.integer(LAST_SLOT)),
      await cluster.ownerOf(random.integer(LAST_SLOT)),
    ];
    if (from !== to) return [from, to];
  }
}
