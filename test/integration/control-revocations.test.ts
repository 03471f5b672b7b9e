// A revocation's life over the API: stored, replaced, repeated under one key, listed and lifted, with the answer of
// each step.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Instant } from "../../src/core/clock.ts";
import { err } from "../../src/core/result.ts";
import { markerKey } from "../../src/revocation/keys.ts";
import { MAIN, PARTNER, startControlPlane, type ControlPlane } from "../support/control-plane.ts";

let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane({ issuers: [MAIN, PARTNER] });
});
afterAll(() => plane.stop());

const target = (kind: string, id: string) => ({ kind, issuer: "main", id });

function post(body: object, headers: Record<string, string> = {}, token = plane.tokens.admin) {
  return plane.call("POST", "/v1/revocations", { token, body, headers });
}

test("a receipt says replicated only where a replica has it: this store has none", async () => {
  const answer = await post({ target: target("user", "zoe"), reason: "lost phone", wait: "replicated" });
  expect([answer.status, answer.json["receipt"]]).toEqual([201, { durability: "stored" }]);
});

test("a revocation is answered with what was stored, and stands under the key that a Check reads", async () => {
  const before = Date.now();
  const answer = await post({ target: target("user", "alice"), reason: "lost phone" });
  expect(answer.status).toBe(201);
  const { id, seq, at, issued_before: issuedBefore, expires_at: expiresAt } = answer.json;
  expect(answer.json).toEqual({
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    seq: expect.any(Number),
    at: expect.any(Number),
    target: target("user", "alice"),
    issued_before: Math.floor(at / 1_000) + 1,
    expires_at: issuedBefore * 1_000 + 3_600_000 + 60_000 + 60_000,
    receipt: { durability: "stored" },
  });
  expect(at).toBeGreaterThanOrEqual(before);
  const read = await plane.store.read([markerKey("", { kind: "user", issuer: "main", id: "alice" })], 1_000);
  expect(JSON.parse((read.ok && read.value[0]) || "{}")).toMatchObject({
    v: 1,
    id,
    seq,
    issued_before: issuedBefore,
    reason: "lost phone",
    by: "root",
    at,
  });
  const shown = await plane.call("GET", `/v1/revocations/${id}`);
  expect(shown.json).toEqual({
    id,
    seq,
    at,
    target: target("user", "alice"),
    issued_before: issuedBefore,
    expires_at: expiresAt,
    reason: "lost phone",
    by: "root",
  });
});

test.each([
  ["token", { kind: "token", issuer: "main", id: "j-1" }, false],
  ["session", { kind: "session", issuer: "main", id: "s-1" }, false],
  ["user", { kind: "user", issuer: "partner", id: "u-1" }, true],
  ["tenant", { kind: "tenant", issuer: "main", id: "t-1" }, true],
  ["client", { kind: "client", issuer: "main", id: "c-1" }, true],
  ["key", { kind: "key", issuer: "main", id: "k-1" }, false],
  ["issuer", { kind: "issuer", issuer: "partner" }, true],
  ["everything", { kind: "everything" }, true],
])("%s can be revoked, checked, listed and lifted", async (kind, named, isWatermark) => {
  const query = new URLSearchParams(named as Record<string, string>).toString();
  const revoked = await post({ target: named, reason: `because ${kind}` });
  expect(revoked.status).toBe(201);
  expect("issued_before" in revoked.json).toBe(isWatermark);
  expect(revoked.json["expires_at"] === null).toBe(kind === "key");
  const { id, at } = revoked.json;
  const issuedBefore = isWatermark ? { issued_before: revoked.json["issued_before"] } : {};
  expect((await plane.call("GET", `/v1/check?${query}`)).json).toEqual({
    revoked: true,
    id,
    since: at,
    by: "root",
    reason: `because ${kind}`,
    ...issuedBefore,
  });
  const listed = await plane.call("GET", `/v1/revocations?${query}`);
  expect(listed.json["items"].map((item) => item.id)).toEqual([id]);
  const lifted = await plane.call("DELETE", `/v1/revocations/${id}`);
  expect([lifted.status, lifted.text]).toEqual([204, ""]);
  expect((await plane.call("GET", `/v1/check?${query}`)).json).toEqual({ revoked: false });
  expect((await plane.call("GET", `/v1/revocations/${id}`)).status).toBe(404);
  expect((await plane.call("DELETE", `/v1/revocations/${id}`)).status).toBe(404);
});

test("a further revocation only strengthens, takes a new id, and the replaced one is superseded", async () => {
  const bob = target("user", "bob");
  const first = (
    await post({ target: bob, reason: "one", issuedBefore: 1_700_000_000, expiresAt: Date.now() + 86_400_000 })
  ).json;
  const second = (await post({ target: bob, reason: "two", issuedBefore: 1_600_000_000 })).json;
  expect(second["id"]).not.toBe(first["id"]);
  expect([second["issued_before"], second["expires_at"]]).toEqual([1_700_000_000, first["expires_at"]]);
  const lift = await plane.call("DELETE", `/v1/revocations/${first["id"]}`);
  expect([lift.status, lift.json["code"]]).toEqual([409, "superseded"]);
  expect((await plane.call("DELETE", `/v1/revocations/${second["id"]}`)).status).toBe(204);
});

describe("an Idempotency-Key", () => {
  test("used again gives the same answer, whatever the order of the members", async () => {
    const first = await post({ target: target("token", "i-1"), reason: "r" }, { "idempotency-key": "key-1" });
    const again = await post(
      { reason: "r", target: { id: "i-1", kind: "token", issuer: "main" } },
      { "idempotency-key": "key-1" },
    );
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect((await post({ target: target("token", "i-1"), reason: "r" })).json["id"]).not.toBe(first.json["id"]);
  });

  test("used again gives the same answer, though what it asked for has passed meanwhile", async () => {
    let aheadMs = 0;
    const now = (): Instant => ({ monotonicMs: performance.now(), wallMs: Date.now() + aheadMs });
    const later = await startControlPlane({ clock: { now } });
    const sent = {
      token: later.tokens.admin,
      body: { target: { kind: "token", id: "j" }, reason: "r", expiresAt: Date.now() + 60_000 },
      headers: { "idempotency-key": "k" },
    };
    const first = await later.call("POST", "/v1/revocations", sent);
    aheadMs = 120_000;
    const again = await later.call("POST", "/v1/revocations", sent);
    expect([again.status, again.text]).toEqual([201, first.text]);
    await later.stop();
  });

  test("used for another body is refused with 422", async () => {
    await post({ target: target("token", "i-2"), reason: "r" }, { "idempotency-key": "key-2" });
    const other = await post({ target: target("token", "i-3"), reason: "r" }, { "idempotency-key": "key-2" });
    expect([other.status, other.json["code"]]).toEqual([422, "idempotency_key_reused"]);
    expect((await plane.call("GET", "/v1/check?kind=token&issuer=main&id=i-3")).json).toEqual({ revoked: false });
  });

  test.each(["two words", "x".repeat(256)])("that is not one is refused: %s", async (key) => {
    expect((await post({ target: target("token", "i-4"), reason: "r" }, { "idempotency-key": key })).status).toBe(400);
  });
});

test("listing goes page by page and comes to an end with every one shown once", async () => {
  const ids = Array.from({ length: 25 }, (_, i) => `page-${i}`);
  for (const id of ids) await post({ target: { kind: "session", issuer: "partner", id }, reason: "pages" });
  const seen: string[] = [];
  let query = "kind=session&issuer=partner&limit=10";
  for (let pages = 0; pages < 10; pages++) {
    const page = (await plane.call("GET", `/v1/revocations?${query}`)).json;
    expect(page["items"].length).toBeLessThanOrEqual(10);
    seen.push(...page["items"].map((item) => item.target.id ?? ""));
    if (page["cursor"] === undefined) break;
    query = `kind=session&issuer=partner&limit=10&cursor=${encodeURIComponent(page["cursor"])}`;
  }
  expect(seen.toSorted()).toEqual(ids.toSorted());
});

describe("what cannot be done is refused, with its place", () => {
  const ok = { target: target("user", "carol"), reason: "r" };
  test.each<[number, string, unknown]>([
    [400, "", "not JSON"],
    [400, "", '{"target":{"kind":"user","id":"a"},"reason":"r","reason":"s"}'],
    [400, "", [ok]],
    [400, "/reson", { ...ok, reson: "x" }],
    [400, "/target/isuer", { ...ok, target: { ...ok.target, isuer: "main" } }],
    [400, "/target/kind", { ...ok, target: { kind: "planet" } }],
    [400, "/target/id", { ...ok, target: { ...ok.target, id: 7 } }],
    [400, "/issuedBefore", { ...ok, issuedBefore: "1700000000" }],
    [400, "/issuedBefore", { ...ok, issuedBefore: 1.5 }],
    [400, "/issuedBefore", { ...ok, issuedBefore: -1 }],
    [400, "", '{"target":{"kind":"user","issuer":"main","id":"a"},"reason":"r","expiresAt":1e400}'],
    [400, "/wait", { ...ok, wait: "for godot" }],
    [422, "/target/issuer", { ...ok, target: { kind: "user", id: "carol" } }],
    [422, "/target/issuer", { ...ok, target: { ...ok.target, issuer: "nobody" } }],
    [422, "/reason", { ...ok, reason: "a\u001b[31mb" }],
    [422, "/issuedBefore", { ...ok, issuedBefore: Math.floor(Date.now() / 1_000) + 400 }],
  ])("%i %s %j", async (status, pointer, body) => {
    const answer = await plane.call("POST", "/v1/revocations", { token: plane.tokens.admin, body });
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.json["errors"]?.[0]?.pointer ?? "").toBe(pointer);
    expect(answer.json["detail"]).toBeTruthy();
    expect((await plane.call("GET", "/v1/check?kind=user&issuer=main&id=carol")).json).toEqual({ revoked: false });
  });

  test.each([
    ["/v1/check", 400],
    ["/v1/check?kind=user&kind=token&issuer=main&id=a", 400],
    ["/v1/check?kind=user&issuer=main&id=a&extra=1", 400],
    ["/v1/check?kind=user&issuer=nobody&id=a", 422],
    ["/v1/check?kind=user&issuer=main", 422],
    ["/v1/revocations?limit=0", 400],
    ["/v1/revocations?limit=1001", 400],
    ["/v1/revocations?limit=ten", 400],
    ["/v1/revocations?issuer=nobody", 422],
    ["/v1/revocations?cursor=", 400],
    ["/v1/revocations?cursor=nonsense", 422],
    ["/v1/revocations?kind=everything&cursor=nonsense", 422],
    ["/v1/revocations/no-such-id", 404],
    [`/v1/revocations/${"x".repeat(3_000)}`, 404],
  ])("GET %s", async (path, status) => {
    const answer = await plane.call("GET", path);
    expect(answer.status, answer.text).toBe(status);
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
  });
});

test("an unreadable watermark is told as such, never as free", async () => {
  const odd = await startControlPlane({
    around: (store) => ({ ...store, read: async () => ({ ok: true, value: ["next tuesday"] }) }),
  });
  const answer = await odd.call("GET", "/v1/check?kind=user&id=alice");
  expect([answer.status, answer.json["code"]]).toEqual([503, "unreadable"]);
  expect((await odd.call("GET", "/v1/check?kind=session&id=s")).json).toEqual({ revoked: true });
  await odd.stop();
});

describe("with the store out", () => {
  test("every call is a 503 that pretends nothing", async () => {
    const out = await startControlPlane();
    await out.store.stop();
    const body = { target: { kind: "user", id: "alice" }, reason: "r" };
    for (const headers of [{}, { "idempotency-key": "k" }]) {
      const write = await out.call("POST", "/v1/revocations", { token: out.tokens.admin, body, headers });
      expect([write.status, write.json["code"], write.headers.get("retry-after")]).toEqual([
        503,
        "store_unavailable",
        "1",
      ]);
      expect(write.json["detail"]).toContain("Not acknowledged, though it may have happened: try again with the same");
    }
    for (const path of ["/v1/revocations", "/v1/revocations/x", "/v1/check?kind=user&id=alice"]) {
      expect((await out.call("GET", path)).status, path).toBe(503);
    }
    expect((await out.call("DELETE", "/v1/revocations/x")).status).toBe(503);
    await out.stop();
  });

  test("a write that failed once is done by its repetition under the same key", async () => {
    let failures = 1;
    const shaky = await startControlPlane({
      around: (store) => ({
        ...store,
        put: async (revocation) => (failures-- > 0 ? err({ cause: "timeout", detail: "" }) : store.put(revocation)),
      }),
    });
    const sent = {
      token: shaky.tokens.admin,
      body: { target: { kind: "token", id: "j" }, reason: "r" },
      headers: { "idempotency-key": "k" },
    };
    expect((await shaky.call("POST", "/v1/revocations", sent)).status).toBe(503);
    const again = await shaky.call("POST", "/v1/revocations", sent);
    expect(again.status).toBe(201);
    expect((await shaky.call("POST", "/v1/revocations", sent)).text).toBe(again.text);
    await shaky.stop();
  });
});
