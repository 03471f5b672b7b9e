// A primary that Sentinels name is lost in the middle of writes and checks: answers come from its successor soon after.
import { afterEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { BACK_WITHIN_MS, openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startSentinelSetting, type SentinelSetting } from "../support/redis-sentinel.ts";
import { until } from "../support/wait.ts";

let setting: SentinelSetting;
let observed: ObservedStore | undefined;
let replica: ObservedReplica | undefined;

afterEach(async () => {
  await replica?.stop();
  replica = undefined;
  await observed?.store.stop();
  observed = undefined;
  await setting.stop();
});

const target = (id: string) => ({ kind: "token", issuer: "main", id }) as const;
const keyOf = (id: string): string => `revoked:jti:main:${id}`;

test("a primary killed under writes and look-ups is followed to the next, and a replica goes on there", async () => {
  setting = await startSentinelSetting();
  const { store, untilLookUp } = (observed = await openRedisStore(setting.url));
  replica = await startReplica(setting.url);
  const before = await setting.primary();
  const acknowledged: string[] = [];
  const refusals = new Set<string>();
  const run = { isOver: false };
  const write = async (): Promise<void> => {
    for (let i = 0; !run.isOver; i += 1) {
      const put = await store.put(newRevocation(target(`t${i}`)));
      if (put.ok) acknowledged.push(`t${i}`);
      else refusals.add(put.error.cause);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const writing = write();
  await until("some writes", () => acknowledged.length > 20);
  // Here what was acknowledged is to have come to a replica, or it is lost by rights; the receipt is another test's.
  await before.cli("WAIT", "1", "1000");
  const safe = acknowledged.slice(0, -10);
  await before.kill();
  const after = await setting.untilPrimaryIsNot(before);
  const namedAtMs = performance.now();
  await untilLookUp(BACK_WITHIN_MS, "answered");
  expect(performance.now() - namedAtMs).toBeLessThan(4_000);
  const count = acknowledged.length;
  await until("writes to go on", () => acknowledged.length > count + 5);
  run.isOver = true;
  await writing;
  const read = await store.read(safe.map(keyOf), 1_000);
  expect(read.ok && read.value.every((value) => value !== null)).toBe(true);
  expect(await after.cli("EXISTS", keyOf(acknowledged.at(-1) ?? ""))).toBe("1");
  expect([...refusals].filter((cause) => cause === "protocol")).toEqual([]);
  await replica.untilCurrent();
  for (const id of [...safe, acknowledged.at(-1) ?? ""]) expect(replica.stateOf(id), id).toBe("revoked");
});

test("a primary that hangs is left for its successor, and not asked again when it wakes up as a primary", async () => {
  setting = await startSentinelSetting();
  const { store, untilLookUp } = (observed = await openRedisStore(setting.url));
  const before = await setting.primary();
  before.pause();
  const after = await setting.untilPrimaryIsNot(before);
  await untilLookUp(BACK_WITHIN_MS, "answered");
  before.resume();
  for (let i = 0; i < 20; i += 1) {
    const put = await store.put(newRevocation(target(`t${i}`)));
    expect(put).toMatchObject({ ok: true });
    expect(await after.cli("EXISTS", keyOf(`t${i}`))).toBe("1");
  }
});

test("an ordered failover, with nothing dead, is noticed; so is one that the old primary never hears of", async () => {
  setting = await startSentinelSetting({ password: "of-redis", sentinelPassword: "of-sentinels" });
  const { untilLookUp, store } = (observed = await openRedisStore(setting.url));
  expect(store.health().describe).toMatch(
    /^redis\+sentinel:\/\/127\.0\.0\.1:\d+,[^ ]*\/guarded\/0, a primary answers$/,
  );
  const before = await setting.primary();
  // It goes on believing that it is the primary: no Sentinel can tell it otherwise, and no reply of it shows anything.
  await before.cli("CONFIG", "SET", "min-replicas-max-lag", "0");
  await before.cli("ACL", "SETUSER", "default", "-replicaof", "-slaveof", "-config", "-multi", "-exec", "-client|kill");
  const lines = (await before.cli("CLIENT", "LIST")).split("\n");
  expect(lines.filter((line) => line.includes("name=portcullis-")).length).toBe(2);
  await setting.failOver();
  await setting.untilPrimaryIsNot(before);
  expect((await before.cli("ROLE")).startsWith("master")).toBe(true);
  await until("all connections to the old one to be ended", async () => {
    const left = (await before.cli("CLIENT", "LIST")).split("\n");
    return left.every((line) => !line.includes("name=portcullis-"));
  });
  expect(await untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
});

test("one Sentinel of three is enough to find the primary, and a dead or hanging one is not waited for", async () => {
  setting = await startSentinelSetting();
  setting.sentinels[0]?.signal("SIGSTOP");
  await setting.sentinels[1]?.stop();
  observed = await openRedisStore(setting.url, { waitUntilReachable: false });
  expect(await observed.untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
  setting.sentinels[0]?.signal("SIGCONT");
});

test("a name that no Sentinel knows, and Sentinels that are away, are told as such", async () => {
  setting = await startSentinelSetting();
  observed = await openRedisStore(setting.url.replace("guarded", "other"), { waitUntilReachable: false });
  await until("the reason", () => observed?.store.health().describe.includes("knows no primary of that name"));
  await observed.store.stop();
  for (const sentinel of setting.sentinels) await sentinel.stop();
  observed = await openRedisStore(setting.url, { waitUntilReachable: false });
  await until("the reason", () => observed?.store.health().describe.includes("connection_refused"));
  expect(await observed.lookUp()).toBe("connection_refused");
});
