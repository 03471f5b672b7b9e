// The faults of docs/fail-policy.md, made for real on a Redis and on the way to it.

import { once } from "node:events";
import { connect } from "node:net";
import { startRedis, type RedisProcess } from "./redis-server.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** A Redis and a proxy before it. */
export interface FaultyStore {
  readonly redis: RedisProcess;
  readonly proxy: TcpProxy;
}

export interface Fault {
  /** As in the table's first column. */
  readonly name: string;
  /** The fault is on the way to the store, so it is felt by who comes through the proxy. */
  readonly onTheWay?: true;
  /** Resolves once the fault is there, with what ends it. */
  make(store: FaultyStore): Promise<() => void | Promise<void>>;
}

/** Slow enough to load that the fault lasts (Redis' own test settings: 2 ms a key, clients seen after every KiB). */
const LOADING_ARGS = ["--key-load-delay", "2000", "--loading-process-events-interval-bytes", "1024"];
const LOADED_KEYS = "2500";

export async function startFaultyStore(): Promise<FaultyStore> {
  const redis = await startRedis({ args: [...LOADING_ARGS, "--enable-debug-command", "yes"] });
  return { redis, proxy: await startTcpProxy(redis.port) };
}

export const FAULTS: readonly Fault[] = [
  {
    name: "killed",
    async make({ redis }) {
      await redis.kill();
      return () => redis.restart();
    },
  },
  {
    name: "paused",
    async make({ redis }) {
      redis.pause();
      return () => redis.resume();
    },
  },
  {
    name: "black-holed",
    onTheWay: true,
    async make({ proxy }) {
      proxy.swallow(true);
      return () => proxy.mend();
    },
  },
  {
    name: "slow",
    onTheWay: true,
    async make({ proxy }) {
      proxy.delay(300);
      return () => proxy.delay(0);
    },
  },
  {
    name: "loading",
    async make({ redis }) {
      await redis.cli("DEBUG", "POPULATE", LOADED_KEYS);
      await redis.cli("SAVE");
      await redis.kill();
      await redis.restart({ waitUntilReady: false });
      return () => undefined; // it ends by itself
    },
  },
  {
    name: "demoted",
    async make({ redis }) {
      await redis.cli("REPLICAOF", "127.0.0.1", "1");
      return async () => void (await redis.cli("REPLICAOF", "NO", "ONE"));
    },
  },
  {
    name: "auth refused",
    make: ({ redis }) =>
      withConnection(
        redis,
        ["CONFIG SET requirepass other", "CLIENT KILL TYPE normal SKIPME yes"],
        ['CONFIG SET requirepass ""'],
      ),
  },
  {
    name: "out of connections",
    make: ({ redis }) =>
      withConnection(
        redis,
        ["CONFIG SET maxclients 1", "CLIENT KILL TYPE normal SKIPME yes"],
        ["CONFIG SET maxclients 1000"],
      ),
  },
  {
    name: "unreadable watermark",
    async make({ redis }) {
      await redis.cli("SET", "global:revoked_after", "the day before yesterday");
      return async () => void (await redis.cli("DEL", "global:revoked_after"));
    },
  },
  {
    name: "not vouched for",
    async make({ redis }) {
      const runId = /^run_id:(\w+)/m.exec(await redis.cli("INFO", "server"))?.[1] ?? "";
      await redis.cli("SET", "portcullis:{feed}:keeper", "1");
      await redis.cli("SET", "portcullis:{feed}:vouched", "another");
      return async () => void (await redis.cli("SET", "portcullis:{feed}:vouched", runId));
    },
  },
];

/** Orders over one connection that is held, for nobody else gets in meanwhile. */
async function withConnection(
  redis: RedisProcess,
  make: readonly string[],
  end: readonly string[],
): Promise<() => Promise<void>> {
  const holder = connect(redis.port, "127.0.0.1");
  await once(holder, "connect");
  const order = async (commands: readonly string[]): Promise<void> => {
    for (const command of commands) {
      holder.write(`${command}\r\n`);
      await once(holder, "data");
    }
  };
  await order(make);
  return async () => {
    await order(end);
    holder.destroy();
  };
}
