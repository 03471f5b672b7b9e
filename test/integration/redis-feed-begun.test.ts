// A feed is begun by who finds none, once, and never in the place of one that tells something.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RedisStoreOptions } from "../../src/revocation/redis/options.ts";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const HEAD = "portcullis:{feed}:head";

let redis: RedisProcess;
let opened: ObservedStore[];

beforeEach(async () => {
  redis = await startRedis();
  opened = [];
});
afterEach(async () => {
  await Promise.all(opened.map(({ store }) => store.stop()));
  await redis.stop();
});

async function open(options: Partial<RedisStoreOptions> = {}): Promise<ObservedStore> {
  const store = await openRedisStore(redis.url, options);
  opened.push(store);
  return store;
}

async function epoch(): Promise<string> {
  return until("a feed", async () => (await redis.cli("HGET", HEAD, "epoch")) || undefined); // "": it is not there
}

async function put(store: ObservedStore, id: string): Promise<number | undefined> {
  const stored = await store.store.put(newRevocation({ kind: "token", issuer: "main", id }));
  if (!stored.ok) throw new Error(stored.error.detail);
  return stored.value.seq;
}

const CONTROL_PLANES = [
  ["that replay", { replays: true }],
  ["with a system of record", { beginsFeed: true }],
] as const;

test.each(CONTROL_PLANES)(
  "control planes %s begin one feed, and the first revocation is its first entry",
  async (_, role) => {
    const planes = await Promise.all([open(role), open(role), open(role)]);
    const begun = await epoch();
    expect(await redis.cli("HGET", HEAD, "seq")).toBe("0");
    expect(await put(planes[1], "a")).toBe(1);
    await open(role);
    expect(await put(planes[2], "b")).toBe(2);
    expect(await epoch()).toBe(begun);
  },
);

test("a feed that tells something is left alone", async () => {
  expect(await put(await open(), "a")).toBe(1);
  const begun = await epoch();
  for (const [i, [, role]] of CONTROL_PLANES.entries()) {
    expect(await put(await open(role), "b")).toBe(i + 2); // on the connection on which it would have been begun
    expect(await epoch()).toBe(begun);
  }
});

test("a Redis that was emptied has a feed again, though nothing is to be replayed", async () => {
  await open({ replays: true });
  const begun = await epoch();
  await redis.cli("FLUSHALL");
  await until("another feed", async () => (await epoch()) !== begun);
});
