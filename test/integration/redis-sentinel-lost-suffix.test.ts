// A failover promotes a replica without the newest writes: a control plane gives them back, lifts included.
import { afterEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startReplica, type ObservedReplica } from "../support/replica.ts";
import { BACK_WITHIN_MS, openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startSentinelSetting, type SentinelSetting } from "../support/redis-sentinel.ts";
import type { RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const HEAD = "portcullis:{feed}:head";

let setting: SentinelSetting;
const stores: ObservedStore[] = [];
let replica: ObservedReplica | undefined;

afterEach(async () => {
  await replica?.stop();
  replica = undefined;
  for (const { store } of stores.splice(0)) await store.stop();
  await setting.stop();
});

async function open(options: { readonly replays: boolean }): Promise<ObservedStore> {
  const observed = await openRedisStore(setting.url, options);
  stores.push(observed);
  return observed;
}

const target = (id: string) => ({ kind: "token", issuer: "main", id }) as const;
const keyOf = (id: string): string => `revoked:jti:main:${id}`;

async function revoke({ store }: ObservedStore, id: string): Promise<string> {
  const put = await store.put(newRevocation(target(id)));
  if (!put.ok) throw new Error(put.error.cause);
  return put.value.id;
}

/** From here on the replicas hear nothing more of what the primary acknowledges. */
async function cutOff(primary: RedisProcess): Promise<void> {
  await primary.cli("WAIT", "2", "1000");
  const replicas = setting.servers.filter((server) => server !== primary);
  await Promise.all(replicas.map((server) => server.cli("REPLICAOF", "127.0.0.1", "1")));
}

const existing = async (server: RedisProcess, ...ids: readonly string[]): Promise<string> =>
  (await Promise.all(ids.map((id) => server.cli("EXISTS", keyOf(id))))).join("");

test("what was acknowledged and lost is replayed as it was, lifts included, and a replica ends up knowing it", async () => {
  setting = await startSentinelSetting();
  const control = await open({ replays: true });
  const other = await open({ replays: true });
  replica = await startReplica(setting.url);
  const primary = await setting.primary();
  const liftedId = await revoke(control, "lifted");
  await revoke(control, "kept");
  await cutOff(primary);
  const lostId = await revoke(control, "lost");
  expect((await control.store.lift(liftedId)).ok).toBe(true);
  const head = await primary.cli("HMGET", HEAD, "epoch", "seq", "link");
  await primary.kill();
  const after = await setting.untilPrimaryIsNot(primary);
  await until(
    "the suffix to be back",
    async () => (await existing(after, "kept", "lost", "lifted")) === "110",
    BACK_WITHIN_MS,
  );
  expect(await after.cli("HMGET", HEAD, "epoch", "seq", "link")).toBe(head);
  const told = [...control.log, ...other.log].filter(({ event }) => event === "store_lost_suffix_replayed");
  expect(told.reduce((sum, { fields }) => sum + Number(fields?.["count"]), 0)).toBe(2);
  await replica.untilCurrent();
  await until("the replica to know", () => replica?.stateOf("lost") === "revoked");
  expect([replica.stateOf("kept"), replica.stateOf("lifted")]).toEqual(["revoked", "active"]);
  // Its index came back with it: it can be lifted by the id that was given.
  expect((await control.store.lift(lostId)).ok).toBe(true);
});

test("where somebody wrote on before it was replayed, it is put after that, and a lift lifts only what it meant", async () => {
  setting = await startSentinelSetting();
  const control = await open({ replays: true });
  const hasty = await open({ replays: false });
  const primary = await setting.primary();
  const liftedId = await revoke(control, "lifted");
  const againId = await revoke(control, "again");
  await cutOff(primary);
  await revoke(control, "lost");
  for (const id of [liftedId, againId]) expect((await control.store.lift(id)).ok).toBe(true);
  const keeper = (await primary.cli("CLIENT", "LIST"))
    .split("\n")
    .filter((line) => line.includes("name=portcullis-keeper"));
  expect(keeper.length).toBe(1);
  await primary.kill();
  // Another history, as long as the lost one: revoked anew, what the lost lift had lifted.
  await until(
    "the hasty one to write",
    async () => (await hasty.store.put(newRevocation(target("hasty")))).ok,
    20_000,
    1,
  );
  // Most Sentinels may still name the one that was killed: the one who led the failover knows first.
  const after = await setting.untilPrimaryIsNot(primary);
  expect((await hasty.store.put(newRevocation(target("again")))).ok).toBe(true);
  await until(
    "the lost ones",
    async () => (await existing(after, "hasty", "lost", "lifted")) === "110",
    BACK_WITHIN_MS,
  );
  expect(await existing(after, "again")).toBe("1");
});

test("a store that was emptied is given back the last ten minutes", async () => {
  setting = await startSentinelSetting();
  const control = await open({ replays: true });
  const primary = await setting.primary();
  const liftedId = await revoke(control, "lifted");
  await revoke(control, "kept");
  expect((await control.store.lift(liftedId)).ok).toBe(true);
  await primary.cli("FLUSHALL");
  await until("it to be back", async () => (await existing(primary, "kept", "lifted")) === "10", BACK_WITHIN_MS);
});
