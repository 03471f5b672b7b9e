// The users that docs/redis-schema.md gives to Redis can do all they must, and the sidecar's nothing more.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { startReplica } from "../support/replica.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

const DOCUMENT = readFileSync(new URL("../../docs/redis-schema.md", import.meta.url), "utf8");
const target = { kind: "user", issuer: "main", id: "a name with spaces" } as const;
let redis: RedisProcess;
let sidecar: ObservedStore;
let control: ObservedStore;
const said: string[] = [];

beforeAll(async () => {
  redis = await startRedis();
  const lines = [...DOCUMENT.matchAll(/```acl\n(.+)\n```/g)].map((match) => match[1] ?? "");
  for (const line of lines) said.push(await redis.cli(...line.split(" ")));
  await redis.cli("ACL", "LOG", "RESET");
  sidecar = await openRedisStore(`redis://portcullis-sidecar:sidecar-secret@127.0.0.1:${redis.port}/1`);
  control = await openRedisStore(`redis://portcullis-control:control-secret@127.0.0.1:${redis.port}/1`);
});

afterAll(async () => {
  await sidecar.store.stop();
  await control.store.stop();
  await redis.stop();
});

test("the document has two users that Redis takes", () => {
  expect(said).toEqual(["OK", "OK"]);
});

test("the sidecar's user can do all a sidecar needs, and Redis denied it nothing", async () => {
  expect(await sidecar.lookUp()).toBe("answered");
  expect(sidecar.store.health()).toMatchObject({ reachable: true, unfit: undefined });
  expect(sidecar.log).toEqual([]);
  expect(await redis.cli("ACL", "LOG")).toBe("");
});

test("the sidecar's user can keep a replica that hears other writers, and Redis denied it nothing", async () => {
  const observed = await startReplica(`redis://portcullis-sidecar:sidecar-secret@127.0.0.1:${redis.port}/1`);
  await until("the push to count", () => observed.replica.status().isPushed);
  await control.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" }));
  await until("it to be revoked", () => observed.stateOf("a") === "revoked");
  await observed.untilCurrent();
  expect(observed.log).toEqual([]);
  expect(await redis.cli("ACL", "LOG")).toBe("");
  await observed.stop();
});

test("the control plane's user can store, find, list and lift, and Redis denied it nothing", async () => {
  const { store } = control;
  const first = newRevocation(target);
  expect((await store.put(first)).ok).toBe(true);
  const second = newRevocation(target, { expiresAtMs: Date.now() + 9_000_000 });
  expect((await store.put(second)).ok).toBe(true);
  const query = { kind: undefined, issuer: undefined, id: target.id, limit: 10, cursor: undefined };
  expect(await store.list(query)).toMatchObject({ ok: true, value: { items: [{ id: second.id, target }] } });
  expect(await store.get(second.id)).toMatchObject({ ok: true, value: { id: second.id } });
  expect((await store.claimIdempotencyKey("k", "f", 1_000)).ok).toBe(true);
  expect((await store.answerIdempotencyKey("k", { fingerprint: "f", answer: "a" }, 1_000)).ok).toBe(true);
  expect((await store.answerIdempotencyKey("k", { fingerprint: "f", answer: "" }, 1_000)).ok).toBe(true);
  expect((await store.lift(second.id)).ok).toBe(true);
  expect((await store.takeTurn("me", 1_000)).ok).toBe(true);
  expect(await store.published("me", { epoch: "e", seq: 1, link: "l" })).toEqual({ ok: true, value: true });
  expect((await store.endTurn("me")).ok).toBe(true);
  expect(await store.keepAuditKey("k")).toMatchObject({ ok: true, value: "k" });
  const records = [1, 2].map((seq) => ({ seq, text: "t", mac: `m${seq}` }));
  expect(await store.appendAudit(1, { seq: 0, mac: "" }, records)).toMatchObject({ ok: true, value: true });
  expect(await store.readAudit(1, 1, 2)).toMatchObject({ ok: true, value: records });
  expect(await store.dropAudit(1, 1, "c", "")).toMatchObject({ ok: true, value: true });
  expect(await store.auditHeads()).toMatchObject({ ok: true });
  expect(await store.eventsAfter(0, 1_000)).toMatchObject({ ok: true });
  expect(await store.eventsAfter("end", 0)).toMatchObject({ ok: true });
  const report = {
    version: "1",
    heeded: undefined,
    lagMs: undefined,
    breaker: "closed",
    totals: undefined,
    answers: undefined,
    startedAtMs: 1,
  } as const;
  expect((await store.report([{ ...report, id: "a" }])).ok).toBe(true);
  expect(await store.addPending("p", "{}", 60_000)).toMatchObject({ ok: true, value: { id: "p" } });
  expect(await store.pending()).toMatchObject({ ok: true, value: [{ id: "p" }] });
  expect(await store.pendingById("p")).toMatchObject({ ok: true, value: { id: "p" } });
  expect(await store.takePending("p")).toMatchObject({ ok: true, value: { id: "p" } });
  // One that was seen long ago is cleared away by the next report.
  await redis.cli("-n", "1", "ZADD", "portcullis:{fleet}:seen", "1", "silent");
  expect((await store.report([{ ...report, id: "b" }])).ok).toBe(true);
  expect(await store.fleet()).toMatchObject({ ok: true, value: [{ id: "a" }, { id: "b" }] });
  expect(await store.heeded(["a", "silent"])).toEqual({ ok: true, value: [undefined, undefined] });
  expect(await redis.cli("ACL", "LOG")).toBe("");
});

test("the sidecar's user can write nothing and read nothing else", async () => {
  expect(await sidecar.store.put(newRevocation(target))).toMatchObject({ ok: false, error: { cause: "auth" } });
  expect(await sidecar.store.read(["portcullis:seq"], 1_000)).toMatchObject({ ok: false, error: { cause: "auth" } });
  expect(await sidecar.store.lift("key:global:revoked_after")).toMatchObject({ ok: false, error: { cause: "auth" } });
  expect(await sidecar.lookUp()).toBe("answered");
});
