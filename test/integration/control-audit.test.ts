// The audit trail at a real control server: what is in it, who finds it out when it was tampered with, and that no
// revocation depends on it.

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { err } from "../../src/core/result.ts";
import { createRedisStore } from "../../src/revocation/redis/store.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import { realClock, startControlPlane, type ControlPlane, type ControlPlaneOptions } from "../support/control-plane.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

interface Entry {
  readonly actor: string;
  readonly action: string;
  readonly target?: { readonly kind: string; readonly id?: string };
  readonly reason: string;
  readonly at: number;
  readonly id?: string;
  readonly count?: number;
  readonly chain: number;
  readonly seq: number;
}

const planes: ControlPlane[] = [];

async function start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const plane = await startControlPlane(options);
  planes.push(plane);
  return plane;
}

afterEach(async () => {
  for (const plane of planes.splice(0)) await plane.stop();
});

function revoke(plane: ControlPlane, id: string, token = plane.tokens.admin) {
  const body = { target: { kind: "session", id }, reason: `because ${id}` };
  return plane.call("POST", "/v1/revocations", { token, body });
}

async function trail(plane: ControlPlane, query = ""): Promise<readonly Entry[]> {
  const answer = await plane.call("GET", `/v1/audit${query}`);
  expect(answer.status, answer.text).toBe(200);
  return answer.json["items"] as unknown as readonly Entry[];
}

const verdict = async (plane: ControlPlane) => (await plane.call("GET", "/v1/audit/verify")).json;

describe("what is in it", () => {
  test("each revocation and lift, newest first: who, what, whom, why and when", async () => {
    const plane = await start();
    const before = Date.now();
    const { id } = (await revoke(plane, "a", plane.tokens.revoker)).json;
    await plane.call("DELETE", `/v1/revocations/${id}`);
    const target = { kind: "session", issuer: "main", id: "a" };
    const at = expect.any(Number) as number;
    const items = await trail(plane);
    expect(items).toEqual([
      { actor: "root", action: "lift", target, reason: "because a", at, id, chain: 1, seq: 2 },
      { actor: "ci", action: "revoke", target, reason: "because a", at, id, chain: 1, seq: 1 },
    ]);
    for (const item of items) expect(item.at).toBeGreaterThanOrEqual(before);
  });

  test("why somebody lifted, where he says so; a reason that no revocation could have is refused", async () => {
    const plane = await start();
    const { id } = (await revoke(plane, "a")).json;
    const lift = (reason: string) =>
      plane.call("DELETE", `/v1/revocations/${id}`, { token: plane.tokens.admin, body: { reason } });
    expect((await lift("two\nlines")).status).toBe(422);
    expect((await lift("")).status).toBe(400);
    expect((await lift("found again")).status).toBe(204);
    expect((await trail(plane)).map(({ action, reason }) => [action, reason])).toEqual([
      ["lift", "found again"],
      ["revoke", "because a"],
    ]);
  });

  test("each line of a batch that was done; not what was answered before, refused for its form, or never live", async () => {
    const plane = await start();
    const lines = Array.from({ length: 500 }, (_, i) => `{"target":{"kind":"session","id":"${i}"},"reason":"r"}`);
    const batch = () =>
      plane.call("POST", "/v1/revocations/batch", {
        token: plane.tokens.admin,
        body: [...lines, "{}"].join("\n"),
        headers: { "content-type": "application/x-ndjson", "idempotency-key": "k" },
      });
    await batch();
    await batch();
    await plane.call("DELETE", "/v1/revocations/nobody");
    const items = await trail(plane, "?limit=1000");
    expect(items.map(({ action }) => action)).toEqual(lines.map(() => "revoke"));
    expect(new Set(items.map(({ target }) => target?.id)).size).toBe(500);
    expect(await verdict(plane)).toMatchObject({ valid: true, entries: 500, lost: 0 });
  });

  test("who was refused, told once at once, and a flood of it as one more with its count", async () => {
    const plane = await start();
    for (let i = 0; i < 20; i += 1) {
      await revoke(plane, "a", plane.tokens.reader);
      await plane.call("GET", "/v1/audit", { token: "nobody" });
      const body = { target: { kind: "tenant", id: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.abcdefghijk" }, reason: "r" };
      await plane.call("POST", "/v1/revocations", { token: plane.tokens.revoker, body });
    }
    const { id } = (await revoke(plane, "b")).json;
    await plane.call("DELETE", `/v1/revocations/${id}`, { token: plane.tokens.otherRevoker });
    const refused = (actor: string, action: string, reason: string, more = {}) => ({ actor, action, reason, ...more });
    const expected = [
      refused("desk", "lift_refused", "insufficient_scope", { target: { kind: "session" } }),
      { action: "revoke" },
      refused("ci", "revoke_refused", "insufficient_scope", { target: { kind: "tenant" } }),
      refused("stranger", "access_refused", "unauthenticated"),
      refused("eye", "access_refused", "insufficient_scope"),
    ];
    const items = await until("all to be told", async () => {
      const told = await trail(plane);
      return told.length >= 5 ? told : undefined;
    });
    expect(items).toMatchObject(expected);
    expect(items).toHaveLength(5);
    expect(JSON.stringify(items)).not.toContain("eyJ");
    await plane.stop();
    planes.length = 0;
    const second = await start({ around: () => plane.store });
    const told = (await trail(second)).slice(0, 3);
    expect(told.map(({ actor, count }) => `${actor} ${count}`).toSorted()).toEqual(["ci 19", "eye 19", "stranger 19"]);
  });
});

test("it goes page by page, each entry once, and what comes meanwhile is not in it", async () => {
  const plane = await start();
  for (let i = 0; i < 25; i += 1) await revoke(plane, `p${i}`);
  const seen: (string | undefined)[] = [];
  let query = "?limit=10";
  for (let pages = 0; pages < 9; pages += 1) {
    const { json } = await plane.call("GET", `/v1/audit${query}`);
    seen.push(...(json["items"] as unknown as readonly Entry[]).map(({ target }) => target?.id));
    await revoke(plane, `later-${pages}`);
    if (json.cursor === undefined) break;
    query = `?limit=10&cursor=${json.cursor}`;
  }
  expect(seen).toEqual(Array.from({ length: 25 }, (_, i) => `p${24 - i}`));
});

test.each([
  ["?limit=0", 400],
  ["?limit=-1", 400],
  ["?limit=1001", 400],
  ["?limit=10&limit=20", 400],
  ["?cursor=", 400],
  [`?cursor=${"A".repeat(9_000)}`, 400],
  ["?cursor=nonsense", 422],
  [`?cursor=${Buffer.from("[-1]").toString("base64url")}`, 422],
  [`?cursor=${Buffer.from("[1e300]").toString("base64url")}`, 422],
  [`?cursor=${Buffer.from(`[${"1,".repeat(40)}1]`).toString("base64url")}`, 422],
  [`?cursor=${Buffer.from('{"__proto__":[1]}').toString("base64url")}`, 422],
  [`?cursor=${Buffer.from("[9007199254740991]").toString("base64url")}`, 200],
  ["?actor=root", 400],
])("a query that cannot be meant is refused: %s", async (query, status) => {
  const plane = await start();
  expect((await plane.call("GET", `/v1/audit${query}`)).status).toBe(status);
});

test("it needs portcullis:read", async () => {
  const plane = await start();
  for (const path of ["/v1/audit", "/v1/audit/verify"]) {
    expect((await plane.call("GET", path, { token: plane.tokens.reader })).status).toBe(200);
    expect((await plane.call("GET", path, { token: plane.tokens.revoker })).status).toBe(403);
    expect((await plane.call("GET", path, {})).status).toBe(401);
  }
});

describe("an entry that cannot be stored", () => {
  test("fails no revocation, is counted and logged, tried again, and stored once though a first attempt had happened", async () => {
    let mode: "lost on the way" | "lost on the way back" | "fine" = "lost on the way";
    const plane = await start({
      around: (store) => ({
        ...store,
        async appendAudit(chain, after, records) {
          if (mode === "lost on the way") return err({ cause: "timeout", detail: "" });
          const done = await store.appendAudit(chain, after, records);
          return mode === "fine" ? done : err({ cause: "timeout", detail: "" });
        },
      }),
    });
    expect((await revoke(plane, "a")).status).toBe(201);
    expect((await revoke(plane, "b")).status).toBe(201);
    expect(await trail(plane)).toEqual([]);
    expect(plane.auditFailures()).toBe(2);
    expect(plane.logged()).toContain("audit_not_stored");
    mode = "lost on the way back";
    expect((await revoke(plane, "c")).status).toBe(201);
    mode = "fine";
    await revoke(plane, "d");
    await until("all to be stored", async () => (await trail(plane)).length >= 4);
    expect((await trail(plane)).map(({ target }) => target?.id)).toEqual(["d", "c", "b", "a"]);
    expect(await verdict(plane)).toMatchObject({ valid: true, entries: 4, lost: 0 });
  });

  test("of a revocation that was not acknowledged says so, for it may have happened", async () => {
    const plane = await start({
      around: (store) => ({
        ...store,
        put: async (revocation) => {
          await store.put(revocation);
          return err({ cause: "timeout", detail: "" });
        },
      }),
    });
    expect((await revoke(plane, "a")).status).toBe(503);
    expect(await trail(plane)).toMatchObject([{ action: "revoke_unconfirmed", target: { id: "a" }, actor: "root" }]);
  });
});

describe("on a Redis that others can write", () => {
  let redis: RedisProcess;
  let store: RevocationStore;
  let plane: ControlPlane;
  beforeEach(async () => {
    redis = await startRedis();
    store = createRedisStore({
      url: redis.url,
      clock: realClock,
      keyPrefix: "",
      timeoutMs: 1_000,
      requireNoEviction: true,
      log: { info() {}, warn() {}, error() {} },
    });
    await store.start();
    await until("the store to be reachable", () => store.health().reachable);
    plane = await start({ around: () => store });
    for (const id of ["a", "b", "c", "d"]) await revoke(plane, id);
    await until("the chain to be valid", async () => (await verdict(plane))["valid"] === true);
  });
  afterEach(async () => {
    await store.stop();
    await redis.stop();
  });

  const LOG = "portcullis:{audit}:log:1";
  const HEADS = "portcullis:{audit}:heads";

  async function macs(): Promise<readonly string[]> {
    const lines = (await redis.cli("XRANGE", LOG, "-", "+")).split("\n");
    return lines.filter((_, i) => i % 5 === 4);
  }

  async function rewrite(change: (text: string) => string): Promise<void> {
    const lines = (await redis.cli("XRANGE", LOG, "-", "+")).split("\n");
    const last = await redis.cli("HGET", HEADS, "1");
    await redis.cli("DEL", LOG);
    for (let i = 0; i < lines.length; i += 5) {
      const [id = "", , text = "", , mac = ""] = lines.slice(i, i + 5);
      await redis.cli("XADD", LOG, id, "text", change(text), "mac", mac);
    }
    await redis.cli("HSET", HEADS, "1", last);
  }

  test.each<[string, () => Promise<unknown>, object]>([
    ["changed", () => rewrite((text) => text.replace("because b", "because x")), { seq: 2, why: "changed" }],
    ["renamed", () => rewrite((text) => text.replace('"root"', '"mallory"')), { seq: 1, why: "changed" }],
    ["left out", () => redis.cli("XDEL", LOG, "3-0"), { seq: 3, why: "missing" }],
    ["cut off at its beginning", () => redis.cli("XTRIM", LOG, "MINID", "3-0"), { seq: 1, why: "missing" }],
    ["cut off at its end", () => redis.cli("XDEL", LOG, "4-0"), { seq: 4, why: "missing" }],
    ["deleted whole", () => redis.cli("DEL", LOG), { seq: 1, why: "missing" }],
    ["given another end", () => redis.cli("HSET", HEADS, "1", "3 forged"), { seq: 3, why: "changed" }],
    [
      "given a checkpoint",
      async () => {
        await redis.cli("XTRIM", LOG, "MINID", "3-0");
        await redis.cli("HSET", HEADS, "1:checkpoint", '{"seq":2,"mac":"x","at":1,"key":"x","signature":"x"}');
      },
      { seq: 0, why: "checkpoint" },
    ],
    [
      "of another key",
      () => rewrite((text) => text.replace(/"key":"[^"]+"/, '"key":"other"')),
      { seq: 1, why: "other_key" },
    ],
  ])("a trail that was %s is found out, and said where", async (_what, tamper, broken) => {
    await tamper();
    const told = await verdict(plane);
    expect(told).toMatchObject({ valid: false, chains: [{ chain: 1, broken }] });
  });

  test("what is no entry at all is shown as such, before the others", async () => {
    await rewrite((text) => (text.includes("because c") ? "who knows" : text));
    expect((await trail(plane)).map(({ action, seq }) => [action, seq])).toContainEqual(["unreadable", 3]);
  });

  test("a control plane that begins anew goes on with the chain, and the trail tells of before", async () => {
    await plane.stop();
    planes.length = 0;
    const second = await start({ around: () => store });
    await revoke(second, "e");
    expect((await trail(second)).map(({ target, chain }) => [target?.id, chain])).toEqual(
      ["e", "d", "c", "b", "a"].map((id) => [id, 1]),
    );
    expect(await verdict(second)).toMatchObject({ valid: true, entries: 5 });
  });

  test.each<[string, () => Promise<unknown>]>([
    ["its end was set back", async () => redis.cli("HSET", HEADS, "1", `3 ${(await macs())[2]}`)],
    ["its end was deleted", () => redis.cli("HDEL", HEADS, "1")],
    [
      "it is no stream",
      async () => {
        await redis.cli("DEL", LOG);
        await redis.cli("SET", LOG, "x");
      },
    ],
  ])("a chain that cannot be written on, for %s, is left as it is and the next one taken", async (_why, tamper) => {
    await plane.stop();
    planes.length = 0;
    await tamper();
    const second = await start({ around: () => store });
    await revoke(second, "e");
    expect(second.logged()).not.toContain("audit_not_stored");
    expect(second.auditFailures()).toBe(0);
    expect(await store.readAudit(2, 1, 10)).toMatchObject({ ok: true, value: [{ seq: 1 }] });
  });

  test("two control planes write a chain each, and both tell the whole trail, by time", async () => {
    const second = await start({ around: () => store });
    for (let i = 0; i < 10; i += 1) {
      await revoke(second, `second-${i}`);
      await revoke(plane, `first-${i}`);
    }
    const told = await trail(plane);
    expect(await trail(second)).toEqual(told);
    expect(told.slice(0, 20).map(({ target }) => target?.id)).toEqual(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? `first-${9 - i / 2}` : `second-${9 - (i - 1) / 2}`)),
    );
    expect(new Set(told.map(({ chain }) => chain))).toEqual(new Set([1, 2]));
    expect(await verdict(second)).toMatchObject({ valid: true, entries: 24, chains: [{ chain: 1 }, { chain: 2 }] });
  });

  test("a chain that was set back is logged by who has written further, and not written on", async () => {
    await redis.cli("XDEL", LOG, "4-0");
    const third = (await redis.cli("XREVRANGE", LOG, "+", "-", "COUNT", "1")).split("\n")[4] ?? "";
    await redis.cli("HSET", HEADS, "1", `3 ${third}`);
    await revoke(plane, "e");
    expect(plane.logged()).toContain("audit_chain_went_back");
    expect((await trail(plane))[0]).toMatchObject({ target: { id: "e" }, chain: 2, seq: 1 });
  });
});
