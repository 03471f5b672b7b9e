// A primary with two replicas and three real Sentinels over them, all of a test's own.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePorts } from "./ports.ts";
import { startProcess, type RunningProcess } from "./process.ts";
import { redisCli, startRedis, type RedisProcess } from "./redis-server.ts";
import { until } from "./wait.ts";

const NAME = "guarded";

export interface SentinelSetting {
  /** As in the configuration's `store.url`. */
  readonly url: string;
  /** The one that was the primary first, then the replicas. */
  readonly servers: readonly [RedisProcess, RedisProcess, RedisProcess];
  readonly sentinels: readonly RunningProcess[];
  /** Of what most Sentinels name. */
  primary(): Promise<RedisProcess>;
  /** No Sentinel thinks that the primary is down, or is replacing it. */
  isSettled(): Promise<boolean>;
  /** Orders a failover though nothing is dead. */
  failOver(): Promise<void>;
  /** Waits until the Sentinels name another server than this as the primary. */
  untilPrimaryIsNot(server: RedisProcess, timeoutMs?: number): Promise<RedisProcess>;
  stop(): Promise<void>;
}

/** Resolves once every Sentinel knows all replicas and all other Sentinels. */
export async function startSentinelSetting(
  options: { readonly password?: string; readonly sentinelPassword?: string } = {},
): Promise<SentinelSetting> {
  const { password, sentinelPassword } = options;
  const auth = password === undefined ? [] : ["--masterauth", password];
  const common = { ...options, args: [...auth, "--repl-diskless-sync-delay", "0", "--repl-backlog-size", "4mb"] };
  const primary = await startRedis(common);
  const replicaArgs = [...common.args, "--replicaof", `127.0.0.1 ${primary.port}`];
  const [one, two] = await Promise.all([
    startRedis({ ...common, args: replicaArgs }),
    startRedis({ ...common, args: replicaArgs }),
  ]);
  const servers = [primary, one, two] as const;
  await until("two replicas in step", async () => {
    const info = await primary.cli("INFO", "replication");
    return [...info.matchAll(/state=online/g)].length === 2;
  });
  const directory = await mkdtemp(join(tmpdir(), "sentinels-"));
  const ports = await freePorts(3);
  const sentinels = await Promise.all(ports.map((port) => startSentinel(directory, port, primary.port, options)));
  const ask = (port: number, ...command: readonly string[]): Promise<string> =>
    redisCli(["-p", String(port)], sentinelPassword, command);
  await until("the Sentinels to know each other and the replicas", async () => {
    const told = await Promise.all(ports.map((port) => ask(port, "SENTINEL", "MASTER", NAME)));
    return told.every((facts) => /^num-slaves\n2$/m.test(facts) && /^num-other-sentinels\n2$/m.test(facts));
  });

  async function named(): Promise<RedisProcess> {
    return until("most Sentinels to name one primary", async () => {
      const told = await Promise.all(
        ports.map((port, i) =>
          sentinels[i]?.ended() === undefined
            ? ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
            : Promise.resolve(""),
        ),
      );
      return servers.find(({ port }) => told.filter((name) => name.endsWith(`\n${port}`)).length >= 2);
    });
  }
  const inUrl = password === undefined ? "" : `:${password}@`;
  const query = sentinelPassword === undefined ? "" : `?sentinelPassword=${sentinelPassword}`;
  return {
    url: `redis+sentinel://${inUrl}${ports.map((port) => `127.0.0.1:${port}`).join(",")}/${NAME}${query}`,
    servers,
    sentinels,
    primary: named,
    async isSettled() {
      const told = await Promise.all(ports.map((port) => ask(port, "SENTINEL", "MASTER", NAME)));
      return told.every((facts) => /^flags\nmaster$/m.test(facts));
    },
    failOver: async () => void (await ask(ports[0] ?? 0, "SENTINEL", "FAILOVER", NAME)),
    untilPrimaryIsNot: (server, timeoutMs = 15_000) =>
      until(
        "another primary",
        async () => {
          const now = await named();
          return now === server ? undefined : now;
        },
        timeoutMs,
        50,
      ),
    async stop() {
      await Promise.all(sentinels.map((sentinel) => sentinel.stop()));
      await Promise.all(servers.map((server) => server.stop()));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function startSentinel(
  directory: string,
  port: number,
  primaryPort: number,
  options: { readonly password?: string; readonly sentinelPassword?: string },
): Promise<RunningProcess> {
  const file = join(directory, `${port}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${primaryPort} 2`,
    `sentinel down-after-milliseconds ${NAME} 500`,
    `sentinel failover-timeout ${NAME} 3000`,
    `sentinel parallel-syncs ${NAME} 2`,
    ...(options.password === undefined ? [] : [`sentinel auth-pass ${NAME} ${options.password}`]),
    ...(options.sentinelPassword === undefined
      ? []
      : [`requirepass ${options.sentinelPassword}`, `sentinel sentinel-pass ${options.sentinelPassword}`]),
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return startProcess("redis-server", [file, "--sentinel"]);
}
