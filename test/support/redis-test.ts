// `test` with a real Redis of its own and a store on it, both gone afterwards, however the test ends.
import { test as base, type TestAPI } from "vitest";
import { startRedis, type RedisProcess } from "./redis-server.ts";
import { openRedisStore, type ObservedStore } from "./redis-store.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

interface WithRedis {
  readonly redis: RedisProcess;
  readonly observed: ObservedStore;
}

interface WithProxy extends WithRedis {
  /** The store's way to Redis. */
  readonly proxy: TcpProxy;
}

// Vitest reads from the pattern of the first parameter which fixtures one needs: an empty one needs none.
/* oxlint-disable no-empty-pattern */

const aRedis = async ({}, use: (redis: RedisProcess) => Promise<void>): Promise<void> => {
  const process = await startRedis();
  await use(process);
  process.resume();
  await process.stop();
};

export const test: TestAPI<WithRedis> = base.extend<WithRedis>({
  redis: aRedis,
  observed: async ({ redis }, use) => {
    const observed = await openRedisStore(redis.url);
    await use(observed);
    redis.resume();
    await observed.store.stop();
  },
});

export const proxiedTest: TestAPI<WithProxy> = base.extend<WithProxy>({
  redis: aRedis,
  proxy: async ({ redis }, use) => {
    const proxy = await startTcpProxy(redis.port);
    await use(proxy);
    await proxy.close();
  },
  observed: async ({ proxy }, use) => {
    const observed = await openRedisStore(`redis://127.0.0.1:${proxy.port}`);
    await use(observed);
    await observed.store.stop();
  },
});
