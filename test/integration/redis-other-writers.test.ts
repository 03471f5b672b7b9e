// Any program can revoke with one SET (docs/redis-schema.md): its markers count, are listed, strengthened and lifted like ours,
// and what nobody can read is never taken for nothing. Trap 30: a key of another type.
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newRevocation, valueOf } from "../conformance/store-suite.ts";
import type { StoredRevocation } from "../../src/revocation/store.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

const expiresAtS = Math.floor(Date.now() / 1000) + 3_600;
const alice = { kind: "user", issuer: "main", id: "alice" } as const;
let redis: RedisProcess;
let observed: ObservedStore;

beforeAll(async () => {
  redis = await startRedis();
  observed = await openRedisStore(redis.url, { keyPrefix: "p:" });
});

beforeEach(async () => {
  await redis.cli("FLUSHALL");
  observed.log.length = 0;
});

afterAll(async () => {
  await observed.store.stop();
  await redis.stop();
});

async function list(): Promise<readonly StoredRevocation[]> {
  const query = { kind: undefined, issuer: undefined, id: undefined, limit: 100, cursor: undefined };
  return valueOf(await observed.store.list(query)).items;
}

const foreign = { seq: undefined, reason: "", by: "", atMs: 0, issuedBeforeS: undefined, expiresAtMs: undefined };

test("markers of other programs are read and listed, with an id that lifts them", async () => {
  await redis.cli("SET", "p:revoked:jti:main:a", "yes", "EXAT", String(expiresAtS));
  await redis.cli("SET", "p:user:revoked_after:main:alice", "1700000000");
  await redis.cli("SET", "p:global:revoked_after", '{"issued_before":1700000001,"reason":"drill","id":"theirs"}');
  expect(valueOf(await observed.store.read(["p:revoked:jti:main:a"], 1_000))).toEqual(["yes"]);
  const items = (await list()).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  expect(items).toEqual([
    {
      ...foreign,
      id: "key:global:revoked_after",
      target: { kind: "everything" },
      reason: "drill",
      issuedBeforeS: 1_700_000_001,
    },
    {
      ...foreign,
      id: "key:revoked:jti:main:a",
      target: { kind: "token", issuer: "main", id: "a" },
      expiresAtMs: expiresAtS * 1_000,
    },
    { ...foreign, id: "key:user:revoked_after:main:alice", target: alice, issuedBeforeS: 1_700_000_000 },
  ]);
  for (const item of items) {
    expect(valueOf(await observed.store.get(item.id))).toEqual(item);
    expect(valueOf(await observed.store.lift(item.id))).toEqual(item);
  }
  expect(await redis.cli("DBSIZE")).toBe("2"); // head and log of the feed, which heard of it
});

test("our revocation over theirs keeps the later watermark and the later expiry", async () => {
  await redis.cli("SET", "p:user:revoked_after:main:alice", "2000000000", "EXAT", String(expiresAtS));
  const stored = valueOf(await observed.store.put(newRevocation(alice, { expiresAtMs: Date.now() + 1_000 })));
  expect(stored).toMatchObject({ issuedBeforeS: 2_000_000_000, expiresAtMs: expiresAtS * 1_000 });
  expect(await redis.cli("PEXPIRETIME", "p:user:revoked_after:main:alice")).toBe(String(expiresAtS * 1_000));
  expect(await redis.cli("PEXPIRETIME", `p:portcullis:revocation:${stored.id}`)).toBe(String(expiresAtS * 1_000));
});

test("a marker of theirs that became ours is no longer lifted by its key", async () => {
  await redis.cli("SET", "p:revoked:jti:main:a", "yes");
  await observed.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" }));
  expect(await observed.store.lift("key:revoked:jti:main:a")).toEqual({ ok: false, error: { cause: "superseded" } });
});

test("our revocation that another program overwrote is superseded", async () => {
  const stored = valueOf(await observed.store.put(newRevocation(alice)));
  await redis.cli("SET", "p:user:revoked_after:main:alice", "2000000000");
  expect(await observed.store.lift(stored.id)).toEqual({ ok: false, error: { cause: "superseded" } });
  expect((await list()).map(({ id }) => id)).toEqual(["key:user:revoked_after:main:alice"]);
});

test.each([
  ["words", "soon"],
  ["bytes that are no UTF-8", "\\255\\254"],
  ["a broken object", '{"issued_before":"1'],
  ["nothing", ""],
])(
  "an unreadable watermark (%s) is listed without one, and replaced by nothing lower than now",
  async (_what, value) => {
    const escaped = value.replace(/"/g, '\\"');
    await redis.cli("EVAL", `return redis.call('SET', KEYS[1], "${escaped}")`, "1", "p:user:revoked_after:main:alice");
    expect(await list()).toEqual([{ ...foreign, id: "key:user:revoked_after:main:alice", target: alice }]);
    const asked = newRevocation(alice, { issuedBeforeS: 1_000 });
    const stored = valueOf(await observed.store.put(asked));
    expect(stored.issuedBeforeS).toBe(Math.floor(asked.atMs / 1_000) + 1);
    expect(valueOf(await observed.store.lift(stored.id))).toEqual(stored);
  },
);

test("a key of another type reads as absent, is reported by the list, and gives way to a revocation", async () => {
  await redis.cli("LPUSH", "p:revoked:jti:main:a", "1");
  expect(valueOf(await observed.store.read(["p:revoked:jti:main:a"], 1_000))).toEqual([null]);
  expect(await list()).toEqual([]);
  expect(observed.log).toEqual([{ event: "store_marker_of_wrong_type", fields: { kind: "token" } }]);
  expect(await observed.store.lift("key:revoked:jti:main:a")).toEqual({ ok: false, error: { cause: "not_found" } });
  const stored = valueOf(await observed.store.put(newRevocation({ kind: "token", issuer: "main", id: "a" })));
  expect((await list()).map(({ id }) => id)).toEqual([stored.id]);
});

test("keys that look like markers but are none are passed over and never lifted", async () => {
  const names = [
    "revoked:jti:MAIN:a",
    "revoked:jti:main:a:b",
    "revoked:jti:main:",
    "user:revoked_after:main",
    "x:global:revoked_after",
  ];
  for (const name of names) await redis.cli("SET", `p:${name}`, "1");
  expect(await list()).toEqual([]);
  for (const name of names) {
    expect(await observed.store.lift(`key:${name}`)).toEqual({ ok: false, error: { cause: "not_found" } });
  }
  expect(await redis.cli("DBSIZE")).toBe(String(names.length));
});

test("a hand that takes the expiry away from ours makes it last", async () => {
  const stored = valueOf(await observed.store.put(newRevocation(alice)));
  await redis.cli("PERSIST", "p:user:revoked_after:main:alice");
  expect(valueOf(await observed.store.get(stored.id))?.expiresAtMs).toBeUndefined();
  const next = valueOf(await observed.store.put(newRevocation(alice)));
  expect(next.expiresAtMs).toBeUndefined();
});

test("a list finds few markers among many other keys, in pages of any size, in bounded steps", async () => {
  await redis.cli("EVAL", "for i = 1, 30000 do redis.call('SET', 'other:' .. i, 1) end", "0");
  for (let i = 0; i < 40; i += 1) await redis.cli("SET", `p:revoked:sid:main:s${i}`, "1");
  for (const limit of [1, 7, 40]) {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const query = { kind: undefined, issuer: "main", id: undefined, limit, cursor };
      const page = valueOf(await observed.store.list(query));
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items.map(({ id }) => id));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(found).toHaveLength(40);
    expect(new Set(found).size).toBe(40);
  }
});

test("a cursor that a caller made up reaches no key but markers that the query asks for", async () => {
  await redis.cli("SET", "p:session:secret", "hunter2");
  await redis.cli("SET", "p:user:revoked_after:main:alice", "1700000000");
  const hits = async (): Promise<string | undefined> =>
    /keyspace_hits:(\d+)/.exec(await redis.cli("INFO", "stats"))?.[1];
  const before = await hits();
  const listFrom = (...made: string[]) => {
    const cursor = Buffer.from(JSON.stringify(["0", ...made]), "utf8").toString("base64url");
    return observed.store.list({ kind: "token", issuer: undefined, id: undefined, limit: 100, cursor });
  };
  for (const key of ["p:session:secret", "other:session", "user:revoked_after:main:alice", "p:portcullis:seq"]) {
    expect(await listFrom(key), key).toEqual({ ok: false, error: { cause: "unknown_cursor" } });
  }
  expect(valueOf(await listFrom("p:user:revoked_after:main:alice"))).toEqual({ items: [], cursor: undefined });
  expect(await hits()).toBe(before);
});
