// A real Cluster of a test's own: three primaries, each with a replica, all slots given out.
import { freePorts } from "./ports.ts";
import { redisCli, startRedis, type RedisProcess } from "./redis-server.ts";
import { until } from "./wait.ts";

export interface ClusterSetting {
  /** As in the configuration's `store.url`: two of the primaries. */
  readonly url: string;
  /** Three primaries with a third of the slots each, then their replicas in the same order. */
  readonly servers: readonly RedisProcess[];
  /** What redis-cli prints for a command that may be redirected. */
  cli(...args: readonly string[]): Promise<string>;
  /** Who holds a slot now, as `asked` (the first that answers) sees it. */
  ownerOf(slot: number): Promise<RedisProcess>;
  idOf(server: RedisProcess): Promise<string>;
  /** Gives a slot and what is in it to another primary. `between` runs while it is on its way, before and after its keys. */
  moveSlot(slot: number, from: RedisProcess, to: RedisProcess, between?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves once all nodes know all slots and each primary's replica is in step. */
export async function startClusterSetting(): Promise<ClusterSetting> {
  const busPorts = await freePorts(6);
  const servers = await Promise.all(
    busPorts.map((busPort, i) =>
      startRedis({
        args: [
          "--cluster-enabled",
          "yes",
          "--cluster-port",
          String(busPort),
          "--cluster-config-file",
          `nodes-${i}.conf`,
          "--cluster-node-timeout",
          "1000",
          // Each primary keeps the replica it was given.
          "--cluster-allow-replica-migration",
          "no",
          "--cluster-require-full-coverage",
          "no",
          "--repl-diskless-sync-delay",
          "0",
        ],
      }),
    ),
  );
  const [first] = servers;
  if (first === undefined) throw new Error("no servers");
  const places = servers.map(({ port }) => `127.0.0.1:${port}`);
  const idOf = (server: RedisProcess): Promise<string> => server.cli("CLUSTER", "MYID");
  await Promise.all(servers.map((server, i) => server.cli("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1))));
  for (const [i, server] of servers.entries())
    if (i > 0) await first.cli("CLUSTER", "MEET", "127.0.0.1", String(server.port), String(busPorts[i]));
  const bounds = [0, 5_461, 10_923, 16_384];
  await Promise.all(
    servers
      .slice(0, 3)
      .map((server, i) => server.cli("CLUSTER", "ADDSLOTSRANGE", String(bounds[i]), String((bounds[i + 1] ?? 0) - 1))),
  );
  await until("all nodes to know each other", async () => {
    const told = await Promise.all(servers.map((server) => server.cli("CLUSTER", "NODES")));
    return told.every((nodes) => nodes.split("\n").length === 6 && !nodes.includes("handshake"));
  });
  await Promise.all(
    servers.slice(3).map(async (server, i) => server.cli("CLUSTER", "REPLICATE", await idOf(servers[i] ?? first))),
  );
  await until(
    "all slots known, and all replicas in step",
    async () => {
      const states = await Promise.all(servers.map((server) => server.cli("CLUSTER", "INFO")));
      if (!states.every((state) => state.includes("cluster_state:ok") && state.includes("slots_ok:16384")))
        return false;
      const roles = await Promise.all(servers.slice(3).map((server) => server.cli("ROLE")));
      const views = await Promise.all(servers.map((server) => server.cli("CLUSTER", "NODES")));
      return (
        roles.every((role) => role.includes("connected")) &&
        views.every((view) => [...view.matchAll(/ (?:myself,)?slave /g)].length === 3)
      );
    },
    20_000,
    50,
  );

  const cli = async (...args: readonly string[]): Promise<string> => {
    const answering = servers.find((server) => server.isAnswering()) ?? first;
    return redisCli(["-c", "-p", String(answering.port)], undefined, args);
  };
  return {
    url: `redis+cluster://${places.slice(0, 2).join(",")}`,
    servers,
    cli,
    async ownerOf(slot) {
      const view = await cli("CLUSTER", "NODES");
      for (const line of view.split("\n")) {
        const [, place = "", flags = "", , , , , , ...ranges] = line.split(" ");
        const holds = ranges.some((range) => {
          const [from, to = from] = range.split("-").map(Number);
          return from !== undefined && to !== undefined && from <= slot && slot <= to;
        });
        const server = servers.find(({ port }) => place.includes(`:${port}@`));
        if (holds && !flags.includes("fail") && server !== undefined) return server;
      }
      throw new Error(`nobody holds ${slot}:\n${view}`);
    },
    idOf,
    async moveSlot(slot, from, to, between = () => Promise.resolve()) {
      const [fromId, toId] = [await idOf(from), await idOf(to)];
      await to.cli("CLUSTER", "SETSLOT", String(slot), "IMPORTING", fromId);
      await from.cli("CLUSTER", "SETSLOT", String(slot), "MIGRATING", toId);
      await between();
      const keys = (await from.cli("CLUSTER", "GETKEYSINSLOT", String(slot), "100")).split("\n").filter(Boolean);
      if (keys.length > 0) await from.cli("MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys);
      await between();
      for (const node of [to, from]) await node.cli("CLUSTER", "SETSLOT", String(slot), "NODE", toId);
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
