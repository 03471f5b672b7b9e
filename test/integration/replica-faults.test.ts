// What can happen to a replica's feed and to the way to it: it is either right, or its position stands still.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/wait.ts";

const LOG = "portcullis:{feed}:log";
const HEAD = "portcullis:{feed}:head";

let redis: RedisProcess;
let writer: ObservedStore;
let proxy: TcpProxy | undefined;
const replicas: ObservedReplica[] = [];

async function begin(
  options: Parameters<typeof startReplica>[1] & { readonly beyondProxy?: boolean } = {},
): Promise<ObservedReplica> {
  redis = await startRedis({ args: ["--enable-debug-command", "yes"] });
  writer = await openRedisStore(redis.url);
  if (options.beyondProxy === true) proxy = await startTcpProxy(redis.port);
  const observed = await startReplica(proxy === undefined ? redis.url : `redis://127.0.0.1:${proxy.port}`, options);
  replicas.push(observed);
  return observed;
}

afterEach(async () => {
  for (const observed of replicas.splice(0)) await observed.stop();
  await proxy?.close();
  proxy = undefined;
  await writer.store.stop();
  await redis.stop();
});

const target = (id: string) => ({ kind: "token", issuer: "main", id }) as const;

async function revoke(id: string): Promise<string> {
  const revocation = newRevocation(target(id));
  expect(await writer.store.put(revocation)).toMatchObject({ ok: true });
  return revocation.id;
}

const untilState = (observed: ObservedReplica, id: string, state: string): Promise<true> =>
  until(`${id} to be ${state}`, () => observed.stateOf(id) === state || undefined, 10_000, 2);

/** Only the feed tells: no push and no scan would cover up for it. */
const FEED_ONLY = { directWriters: false };

test("entries trimmed before a slow reader came to them make it read everything anew", async () => {
  const observed = await begin({ ...FEED_ONLY, beyondProxy: true });
  await revoke("a");
  await untilState(observed, "a", "revoked");
  proxy?.swallow(false);
  const before = observed.replica.position?.monotonicMs ?? 0;
  const cutAtMs = performance.now();
  for (const id of ["b", "c", "d"]) await revoke(id);
  await redis.cli("XTRIM", LOG, "MAXLEN", "1");
  await until(
    "a later position",
    () => (observed.replica.position?.monotonicMs ?? 0) > Math.max(before, cutAtMs + 500),
  );
  for (const id of ["a", "b", "c", "d"]) expect(observed.stateOf(id), id).toBe("revoked");
  expect(observed.log.map(({ event }) => event)).toContain("replica_resync");
});

test("a stream deleted with entries that nobody read is found out, and followed when it is begun again", async () => {
  const observed = await begin({ ...FEED_ONLY, beyondProxy: true });
  await revoke("a");
  await observed.untilCurrent();
  proxy?.swallow(false);
  await revoke("b");
  await redis.cli("DEL", LOG);
  await untilState(observed, "b", "revoked");
  await revoke("c");
  await untilState(observed, "c", "revoked");
  await observed.untilCurrent();
});

test("head and stream deleted begin another epoch, which is followed", async () => {
  const observed = await begin(FEED_ONLY);
  await revoke("a");
  await untilState(observed, "a", "revoked");
  await redis.cli("DEL", LOG, HEAD);
  await revoke("b");
  await untilState(observed, "b", "revoked");
  expect(observed.stateOf("a")).toBe("revoked");
  await observed.untilCurrent();
});

test("a head or stream of another type is begun anew by the next revocation", async () => {
  const observed = await begin(FEED_ONLY);
  await redis.cli("SET", LOG, "garbage");
  await revoke("a");
  await untilState(observed, "a", "revoked");
  await redis.cli("DEL", HEAD);
  await redis.cli("SET", HEAD, "garbage");
  await revoke("b");
  await untilState(observed, "b", "revoked");
  expect(observed.stateOf("a")).toBe("revoked");
});

test("a Redis restarted from an older file, and written again up to the same seq, is another history", async () => {
  const observed = await begin(FEED_ONLY);
  await revoke("kept");
  await redis.cli("SAVE");
  const file = join(redis.directory, "dump.rdb");
  await copyFile(file, `${file}.old`);
  await revoke("lost");
  await untilState(observed, "lost", "revoked");
  await redis.kill();
  await copyFile(`${file}.old`, file);
  await redis.restart();
  await until("the writer to be back", async () => (await writer.lookUp()) === "answered");
  await revoke("other");
  await untilState(observed, "other", "revoked");
  await observed.untilCurrent();
  await observed.untilCurrent();
  expect(observed.stateOf("kept")).toBe("revoked");
  expect(observed.stateOf("lost")).toBe("active");
});

test("a Redis that stands still stops the position, and so does one that swallows everything", async () => {
  const observed = await begin({ beyondProxy: true });
  redis.pause();
  const pausedAtMs = performance.now();
  await until("the position to be old", () => observed.age() > 1_500);
  expect(observed.replica.position?.monotonicMs).toBeLessThan(pausedAtMs);
  redis.resume();
  await observed.untilCurrent();
  proxy?.swallow(true);
  const swallowedAtMs = performance.now();
  await until("the position to be old", () => observed.age() > 1_500);
  expect(observed.replica.position?.monotonicMs).toBeLessThan(swallowedAtMs);
  proxy?.mend();
  await revoke("a");
  await untilState(observed, "a", "revoked");
  await observed.untilCurrent();
});

test("two writers at once leave no hole", async () => {
  const observed = await begin(FEED_ONLY);
  const other = await openRedisStore(redis.url);
  const ids = Array.from({ length: 400 }, (_, i) => `t${i}`);
  await Promise.all(ids.map((id, i) => (i % 2 === 0 ? writer : other).store.put(newRevocation(target(id)))));
  await until("all of them", () => ids.every((id) => observed.stateOf(id) === "revoked"));
  expect(observed.replica.status().seq).toBe(400);
  // Not even once was anything read anew.
  expect(observed.log).toEqual([]);
  await other.store.stop();
});

test("a push whose owner or target is killed no longer counts; what is written meanwhile is found by scan", async () => {
  const observed = await begin({ scanEveryMs: 1_000 });
  for (const name of ["portcullis-push-owner", "portcullis-push-target"]) {
    await until("the push to count", () => observed.replica.status().isPushed);
    const line = (await redis.cli("CLIENT", "LIST")).split("\n").find((one) => one.includes(` name=${name} `));
    await redis.cli("CLIENT", "KILL", "ID", /^id=(\d+) /.exec(line ?? "")?.[1] ?? "");
    await redis.cli("SET", `revoked:jti:main:${name}`, "1");
    const writtenAtMs = performance.now();
    await until("a position after it", () => (observed.replica.position?.monotonicMs ?? 0) > writtenAtMs, 10_000, 1);
    expect(observed.stateOf(name)).toBe("revoked");
  }
});

test("where the push is refused, the position is the start of the last whole scan", async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  await redis.cli("ACL", "SETUSER", "pushless", "on", ">p", "~*", "&*", "+@all", "-client|tracking");
  const observed = await startReplica(`redis://pushless:p@127.0.0.1:${redis.port}`, { scanEveryMs: 1_500 });
  replicas.push(observed);
  await redis.cli("SET", "revoked:jti:main:by-hand", "1");
  await untilState(observed, "by-hand", "revoked");
  expect(observed.replica.status().isPushed).toBe(false);
  expect(observed.replica.status().why).toBe("other writers are not heard (auth: CLIENT TRACKING: Redis said NOPERM)");
  await observed.untilCurrent();
});

test("a user that may not read the feed goes on without a replica, and it is said once why", async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  await redis.cli("ACL", "SETUSER", "older", "on", ">p", "~*", "&*", "+@all", "-xread");
  const observed = await startReplica(`redis://older:p@127.0.0.1:${redis.port}`);
  replicas.push(observed);
  await revoke("a");
  await until("the first to be found by scan", () => observed.replica.status().seq === 1);
  await revoke("b");
  const why = "the feed cannot be read (auth: XREAD: Redis said NOPERM)";
  await until("the reason", () => observed.replica.status().why === why);
  const behind = (): unknown[] => observed.log.filter(({ event }) => event === "replica_behind");
  await until("a line in the log", () => behind().length > 0);
  await until("the position to be older still", () => observed.age() > 7_000);
  expect(behind()).toEqual([{ event: "replica_behind", fields: { why } }]);
  await redis.cli("ACL", "SETUSER", "older", "+xread");
  await observed.untilCurrent();
  expect(observed.stateOf("a")).toBe("revoked");
  expect(observed.replica.status().why).toBeUndefined();
});

test("a hundred thousand revocations in a burst arrive, and nothing waits for long", async () => {
  const observed = await begin();
  const script = `for i = ARGV[1] + 1, ARGV[1] + 1000 do
    redis.call('SET', 'revoked:jti:main:bulk-' .. i, '1', 'EX', 600)
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', 65536, i .. '-0', 'epoch', 'bulk', 'link', 'l' .. i, 'prev', i == 1 and '' or 'l' .. (i - 1),
      'op', 'put', 'key', 'revoked:jti:main:bulk-' .. i, 'value', '1', 'till', '') end
    redis.call('HSET', KEYS[2], 'epoch', 'bulk', 'seq', ARGV[1] + 1000, 'link', 'l' .. (ARGV[1] + 1000))`;
  let longestMs = 0;
  // What this thread computed between two turns: how long others kept it from that is no matter of ours.
  let work = process.threadCpuUsage();
  const beat = setInterval(() => {
    const { user, system } = process.threadCpuUsage(work);
    work = process.threadCpuUsage();
    longestMs = Math.max(longestMs, (user + system) / 1_000);
  }, 2);
  for (let i = 0; i < 100; i += 1) await redis.cli("EVAL", script, "2", LOG, HEAD, String(i * 1_000));
  await until("all of them", () => observed.replica.status().entryCount === 100_000, 30_000);
  await observed.untilCurrent(30_000);
  clearInterval(beat);
  expect(observed.stateOf("bulk-77777")).toBe("revoked");
  // eslint-disable-next-line no-console
  console.log(`100,000 entries: longest turn of the event loop ${longestMs.toFixed(1)} ms of CPU`);
  expect(longestMs).toBeLessThan(100); // redis-cli is begun in it, too; the bench tells the true one
});
