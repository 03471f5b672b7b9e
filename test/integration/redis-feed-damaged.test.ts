// An entry of the feed that is not whole, as a repair by hand or a faulty tool leaves it, under a head that counts it: it
// tells nobody anything, least of all that something was lifted, and what comes after it is heard and acknowledged as ever.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { until } from "../support/wait.ts";

const HEAD = "portcullis:{feed}:head";
const LOG = "portcullis:{feed}:log";
/** Entry and head in one step. */
const ADD = `
redis.call('XADD', KEYS[2], '2-0', unpack(ARGV))
redis.call('HSET', KEYS[1], 'seq', '2', 'link', 'damaged')
`;

let redis: RedisProcess;
let plane: ObservedStore;
let replica: ObservedReplica;

beforeEach(async () => {
  redis = await startRedis();
  plane = await openRedisStore(redis.url, { replays: true });
  await put("before");
  replica = await startReplica(redis.url, { directWriters: false });
});
afterEach(async () => {
  await replica.stop();
  await plane.store.stop();
  await redis.stop();
});

async function put(id: string): Promise<number | undefined> {
  const stored = await plane.store.put(newRevocation({ kind: "token", issuer: "main", id }));
  if (!stored.ok) throw new Error(stored.error.detail);
  return stored.value.seq;
}

/** Follows on the last one, and says of the marker that stands neither that it was put nor that it was lifted. */
async function damage(): Promise<void> {
  const [epoch = "", link = ""] = (await redis.cli("HMGET", HEAD, "epoch", "link")).split("\n");
  const told = { epoch, link: "damaged", prev: link, key: "revoked:jti:main:before", value: "1", till: "" };
  await redis.cli("EVAL", ADD, "2", HEAD, LOG, ...Object.entries(told).flat());
}

test("what stands still stands in a replica, which is soon current again", async () => {
  await damage();
  await replica.untilCurrent();
  expect(replica.stateOf("before")).toBe("revoked");
  expect(replica.log.filter(({ event }) => event === "replica_resync")).toHaveLength(1);
  expect(await put("after")).toBe(3);
  await replica.untilCurrent();
  expect(replica.stateOf("after")).toBe("revoked");
});

test("a control plane says so once, and goes on remembering behind it", async () => {
  await damage();
  await until("the keeper to come to it", () => plane.log.some(({ event }) => event === "feed_entry_damaged"));
  expect(await put("after")).toBe(3);
  expect(plane.log.filter(({ event }) => event === "feed_entry_damaged")).toHaveLength(1);
});

test("who follows events is not told of a lift, but that the log does not go on there", async () => {
  await damage();
  const page = await plane.store.eventsAfter(0, 0);
  expect(page).toMatchObject({ ok: true, value: { reached: { seq: 1 }, entries: [{ event: { change: "revoked" } }] } });
  const behind = await plane.store.eventsAfter(1, 0);
  expect(behind).toMatchObject({ ok: true, value: { reached: { seq: 2, link: "damaged" }, entries: [] } });
});
