// `wait: replicated`: the receipt says so only where a replica has it, and what can't be stored is not pretended.
import { afterEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const servers: RedisProcess[] = [];
let observed: ObservedStore;

afterEach(async () => {
  await observed.store.stop();
  for (const server of servers.splice(0)) await server.stop();
});

async function begin(args: readonly string[] = []): Promise<RedisProcess> {
  const primary = await startRedis({ args: [...args, "--repl-diskless-sync-delay", "0"] });
  servers.push(primary);
  observed = await openRedisStore(primary.url);
  return primary;
}

async function replicaOf(primary: RedisProcess): Promise<RedisProcess> {
  const replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${primary.port}`] });
  servers.push(replica);
  await until("the replica to be in step", async () =>
    (await primary.cli("INFO", "replication")).includes("state=online"),
  );
  // The primary calls it online while it still loads.
  await until("the replica to be there", async () =>
    (await replica.cli("INFO", "replication")).includes("master_link_status:up"),
  );
  return replica;
}

async function putAndAsk(id: string): Promise<boolean> {
  const put = await observed.store.put(newRevocation({ kind: "token", issuer: "main", id }));
  if (!put.ok) throw new Error(put.error.cause);
  return observed.store.isReplicated(put.value);
}

test("without a replica, with one that has it, and with one that hangs", async () => {
  const primary = await begin();
  expect(await putAndAsk("alone")).toBe(false);
  const replica = await replicaOf(primary);
  // A replica on a busy machine may take longer than anybody is kept waiting.
  await until("the replica to acknowledge", () => putAndAsk("both"));
  expect(await replica.cli("EXISTS", "revoked:jti:main:both")).toBe("1");
  replica.pause();
  expect(await putAndAsk("one")).toBe(false);
  // Who waits for replicas holds up nobody else.
  const waiting = putAndAsk("two");
  const begunAtMs = performance.now();
  expect((await observed.store.get("none")).ok).toBe(true);
  expect(performance.now() - begunAtMs).toBeLessThan(400);
  expect(await waiting).toBe(false);
  replica.resume();
  await until("the replica to acknowledge again", () => putAndAsk("back"));
});

test("what stands there by now is what counts: of a revocation that was replaced nothing is said", async () => {
  const primary = await begin();
  await replicaOf(primary);
  const target = { kind: "user", issuer: "main", id: "alice" } as const;
  const put = await observed.store.put(newRevocation(target));
  expect((await observed.store.put(newRevocation(target))).ok).toBe(true);
  expect(put.ok && (await observed.store.isReplicated(put.value))).toBe(false);
});

test("its expiry stays as it was", async () => {
  const primary = await begin();
  await replicaOf(primary);
  const expiresAtMs = Date.now() + 600_000;
  const put = await observed.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" }, { expiresAtMs }));
  await until("the replica to acknowledge", async () => put.ok && (await observed.store.isReplicated(put.value)));
  expect(await primary.cli("PEXPIRETIME", "revoked:jti:main:a")).toBe(String(expiresAtMs));
});

test("a Redis that takes no writes refuses the revocation, and says nothing of replicas", async () => {
  const primary = await begin(["--min-replicas-to-write", "0"]);
  await primary.cli("CONFIG", "SET", "min-replicas-to-write", "1");
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(put).toMatchObject({ ok: false, error: { cause: "read_only" } });
  expect(await primary.cli("EXISTS", "global:revoked_after")).toBe("0");
  await primary.cli("CONFIG", "SET", "min-replicas-to-write", "0");
  expect(await putAndAsk("again")).toBe(false);
});
