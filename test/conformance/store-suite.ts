// What every store must do (docs/redis-schema.md, the port in src/revocation/store.ts), whatever holds its revocations. Each test
// uses names of its own, so that one store serves the whole suite.
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Clock } from "../../src/core/clock.ts";
import type { Result } from "../../src/core/result.ts";
import { EXISTENCE_KINDS, TARGET_KINDS, WATERMARK_KINDS, type Target, type TargetKind } from "../../src/core/target.ts";
import { judge } from "../../src/revocation/judge.ts";
import { markerKey } from "../../src/revocation/keys.ts";
import type { RevocationStore } from "../../src/revocation/revocation-store.ts";
import type { NewRevocation, StoredRevocation } from "../../src/revocation/store.ts";
import { until } from "../support/wait.ts";

export const KEY_PREFIX = "test[1]*:";
const HOUR_MS = 3_600_000;
const TIMEOUT_MS = 2_000;

export const realClock: Clock = { now: () => ({ monotonicMs: performance.now(), wallMs: Date.now() }) };

export function targetOf(kind: TargetKind, issuer: string, id: string): Target {
  if (kind === "everything") return { kind };
  return kind === "issuer" ? { kind, issuer } : { kind, issuer, id };
}

export function newRevocation(target: Target, over: Partial<NewRevocation> = {}): NewRevocation {
  const atMs = Date.now();
  const isWatermark = (WATERMARK_KINDS as readonly string[]).includes(target.kind);
  return {
    id: randomUUID(),
    target,
    reason: "left the company",
    by: "ci",
    atMs,
    issuedBeforeS: isWatermark ? Math.floor(atMs / 1000) + 1 : undefined,
    expiresAtMs: atMs + HOUR_MS,
    ...over,
  };
}

export function valueOf<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** Registers the suite for the store that `store()` gives once the tests run. */
export function describeStore(storeName: string, store: () => RevocationStore): void {
  const unique = (): string => randomUUID().slice(0, 13);
  const read = async (target: Target): Promise<string | null> =>
    valueOf(await store().read([markerKey(KEY_PREFIX, target)], TIMEOUT_MS))[0] ?? null;
  const put = async (revocation: NewRevocation): Promise<StoredRevocation> => valueOf(await store().put(revocation));
  const user = (): Target => ({ kind: "user", issuer: "main", id: unique() });
  const token = (): Target => ({ kind: "token", issuer: "main", id: unique() });

  async function listAll(
    query: { kind?: TargetKind; issuer?: string; id?: string },
    limit = 100,
  ): Promise<StoredRevocation[]> {
    const items: StoredRevocation[] = [];
    let cursor: string | undefined;
    do {
      const page = valueOf(await store().list({ kind: query.kind, issuer: query.issuer, id: query.id, limit, cursor }));
      expect(page.items.length).toBeLessThanOrEqual(limit);
      items.push(...page.items);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return items;
  }

  describe(`a ${storeName} store`, () => {
    test.each(TARGET_KINDS)("revokes a %s, reads it by its key, finds, lists and lifts it", async (kind) => {
      const target = targetOf(kind, unique(), unique());
      const asked = newRevocation(target);
      const stored = await put(asked);
      expect(stored).toEqual({ ...asked, seq: expect.any(Number) });
      const value = await read(target);
      expect(JSON.parse(value ?? "")).toEqual({
        v: 1,
        id: asked.id,
        seq: stored.seq,
        ...(asked.issuedBeforeS === undefined ? {} : { issued_before: asked.issuedBeforeS }),
        reason: asked.reason,
        by: asked.by,
        at: asked.atMs,
      });
      expect(judge([kind], Math.floor(asked.atMs / 1000), [value])).toMatchObject({
        state: "revoked",
        by: { kind, revocationId: asked.id },
      });
      expect(valueOf(await store().get(asked.id))).toEqual(stored);
      const issuer = "issuer" in target ? { issuer: target.issuer } : {};
      expect(await listAll({ kind, ...issuer })).toEqual([stored]);
      expect(valueOf(await store().lift(asked.id))).toEqual(stored);
      expect(await read(target)).toBeNull();
      expect(valueOf(await store().get(asked.id))).toBeUndefined();
      expect(await store().lift(asked.id)).toEqual({ ok: false, error: { cause: "not_found" } });
    });

    test.each(EXISTENCE_KINDS)(
      "strengthens a %s that is revoked twice: new id, later expiry, one live revocation",
      async (kind) => {
        const target = targetOf(kind, unique(), unique());
        const first = await put(newRevocation(target, { expiresAtMs: Date.now() + 2 * HOUR_MS }));
        const second = await put(
          newRevocation(target, { reason: "again", by: "bob", expiresAtMs: Date.now() + HOUR_MS }),
        );
        expect(second).toMatchObject({ reason: "again", by: "bob, others", expiresAtMs: first.expiresAtMs });
        expect(second.seq).toBeGreaterThan(first.seq ?? Infinity);
        expect(await listAll({ kind, issuer: (target as { issuer: string }).issuer })).toEqual([second]);
      },
    );

    test("never moves a watermark back, nor its expiry", async () => {
      const target = user();
      const high = await put(
        newRevocation(target, { issuedBeforeS: 2_000_000_000, expiresAtMs: Date.now() + 2 * HOUR_MS }),
      );
      const low = await put(newRevocation(target, { issuedBeforeS: 1_000_000_000 }));
      expect(low).toMatchObject({ issuedBeforeS: 2_000_000_000, expiresAtMs: high.expiresAtMs });
      expect(JSON.parse((await read(target)) ?? "")).toMatchObject({ id: low.id, issued_before: 2_000_000_000 });
      const higher = await put(
        newRevocation(target, { issuedBeforeS: 2_000_000_001, expiresAtMs: Date.now() + 3 * HOUR_MS }),
      );
      expect(higher.issuedBeforeS).toBe(2_000_000_001);
      expect(valueOf(await store().get(higher.id))).toEqual(higher);
    });

    test("keeps a revocation without expiry without one, whichever came first", async () => {
      for (const [first, second] of [
        [undefined, HOUR_MS],
        [HOUR_MS, undefined],
      ] as const) {
        const target = targetOf("key", "main", unique());
        const at = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Date.now() + ms);
        await put(newRevocation(target, { expiresAtMs: at(first) }));
        const stored = await put(newRevocation(target, { expiresAtMs: at(second) }));
        expect(stored.expiresAtMs).toBeUndefined();
        expect(valueOf(await store().get(stored.id))?.expiresAtMs).toBeUndefined();
      }
    });

    test("refuses to lift a replaced id, and lifts the one that replaced it", async () => {
      const target = token();
      const first = await put(newRevocation(target));
      const second = await put(newRevocation(target));
      expect(await store().lift(first.id)).toEqual({ ok: false, error: { cause: "superseded" } });
      expect(valueOf(await store().get(first.id))).toBeUndefined();
      expect(await read(target)).not.toBeNull();
      expect(valueOf(await store().lift(second.id))).toEqual(second);
      expect(await read(target)).toBeNull();
    });

    test.each([
      ["until later", HOUR_MS],
      ["for ever", undefined],
    ])("knows a replaced id as replaced beyond its own end, where the new one stands %s", async (_when, lifeMs) => {
      const target = token();
      const first = await put(newRevocation(target, { expiresAtMs: Date.now() + 300 }));
      const second = await put(
        newRevocation(target, { expiresAtMs: lifeMs === undefined ? undefined : Date.now() + lifeMs }),
      );
      await until("the end of the first", () => Date.now() > (first.expiresAtMs ?? 0) + 50);
      await put(newRevocation(token())); // stores may clear away with a write
      expect(await store().lift(first.id)).toEqual({ ok: false, error: { cause: "superseded" } });
      expect(valueOf(await store().lift(second.id))).toEqual(second);
    });

    test("can revoke again what was lifted", async () => {
      const target = user();
      const first = await put(newRevocation(target, { issuedBeforeS: 2_000_000_000 }));
      valueOf(await store().lift(first.id));
      const second = await put(newRevocation(target, { issuedBeforeS: 1_900_000_000 }));
      expect(second.issuedBeforeS).toBe(1_900_000_000); // the lifted one stands no more
    });

    test("knows nothing of an id nobody gave", async () => {
      expect(valueOf(await store().get(randomUUID()))).toBeUndefined();
      expect(await store().lift(randomUUID())).toEqual({ ok: false, error: { cause: "not_found" } });
    });

    test.each([
      "key:",
      "key:revoked:jti:main:x",
      "key:portcullis:seq",
      "*",
      "",
      "../..",
      "a b",
      "\u0000",
      "é".repeat(300),
    ])("lifts nothing by the odd id %j", async (id) => {
      expect(await store().lift(id)).toEqual({ ok: false, error: { cause: "not_found" } });
    });

    test("forgets a revocation at its expiry: look-up, get, list and lift alike", async () => {
      const target = { kind: "session", issuer: unique(), id: unique() } as const;
      const stored = await put(newRevocation(target, { expiresAtMs: Date.now() + 400 }));
      expect(await read(target)).not.toBeNull();
      await until("the marker's expiry", async () => (await read(target)) === null, 5_000);
      expect(valueOf(await store().get(stored.id))).toBeUndefined();
      expect(await listAll({ kind: "session", issuer: target.issuer })).toEqual([]);
      expect(await store().lift(stored.id)).toEqual({ ok: false, error: { cause: "not_found" } });
    });

    test("takes an expiry in the past as one that is over", async () => {
      const target = token();
      await put(newRevocation(target, { expiresAtMs: Date.now() - HOUR_MS }));
      expect(await read(target)).toBeNull();
    });

    test.each([
      ["long", "x".repeat(5_000)],
      ["with spaces and colons", "a b:c:revoked:jti:main:d"],
      ["not ASCII", "żółć-😀"],
      ["like a hash", "=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"],
      ["like a glob", "a*[b]?\\"],
      ["like SQL", "x'); DROP TABLE marker; --"],
      ["with a line break and a NUL", "a\r\n\u0000b"],
      ["like a prototype's member", "__proto__"],
    ])("keeps a name that is %s apart from every other, and gives it back", async (_what, name) => {
      const issuer = unique();
      const target = { kind: "user", issuer, id: name } as const;
      const stored = await put(newRevocation(target, { reason: name, by: name }));
      await put(newRevocation({ kind: "user", issuer, id: `${name}.` }));
      expect(valueOf(await store().get(stored.id))).toEqual(stored);
      expect(await listAll({ kind: "user", issuer, id: name })).toEqual([stored]);
      expect(await listAll({ id: name, issuer })).toEqual([stored]);
      expect(valueOf(await store().lift(stored.id))).toEqual(stored);
      expect(await listAll({ issuer })).toHaveLength(1);
    });

    test("answers a batch key by key, null where nothing stands, the same key twice alike", async () => {
      const [a, b, c] = [token(), user(), token()];
      await put(newRevocation(a));
      await put(newRevocation(b));
      const keys = [a, c, b, a].map((target) => markerKey(KEY_PREFIX, target));
      const values = valueOf(await store().read(keys, TIMEOUT_MS));
      expect(values.map((value) => value !== null)).toEqual([true, false, true, true]);
      expect(values[3]).toBe(values[0]);
      expect(valueOf(await store().read([], TIMEOUT_MS))).toEqual([]);
    });

    test("answers a batch of 1,000 keys", async () => {
      const target = token();
      await put(newRevocation(target));
      const keys = Array.from({ length: 1_000 }, (_, i) =>
        markerKey(KEY_PREFIX, { ...target, id: `absent-${i}` } as Target),
      );
      keys[700] = markerKey(KEY_PREFIX, target);
      const values = valueOf(await store().read(keys, TIMEOUT_MS));
      expect(values.findIndex((value) => value !== null)).toBe(700);
      expect(values).toHaveLength(1_000);
    });

    test("joins revocations of one target that come at once into the strongest of them", async () => {
      const target = user();
      const now = Date.now();
      const asked = Array.from({ length: 25 }, (_, i) =>
        newRevocation(target, {
          issuedBeforeS: 1_800_000_000 + ((i * 7) % 25),
          expiresAtMs: now + HOUR_MS + ((i * 11) % 25) * 1_000,
        }),
      );
      const stored = await Promise.all(asked.map(put));
      expect(new Set(stored.map((one) => one.seq)).size).toBe(asked.length);
      const [live, ...others] = await listAll({ kind: "user", issuer: "main", id: (target as { id: string }).id });
      expect(others).toEqual([]);
      expect(live).toMatchObject({ issuedBeforeS: 1_800_000_024, expiresAtMs: now + HOUR_MS + 24_000 });
      // While it stands: of one that was replaced by what is lifted already, stores may also say that it is not found.
      const replaced = stored.filter((one) => one.id !== live?.id);
      expect(replaced).toHaveLength(24);
      for (const lift of await Promise.all(replaced.map((one) => store().lift(one.id)))) {
        expect(lift).toEqual({ ok: false, error: { cause: "superseded" } });
      }
      const lifts = await Promise.all(stored.map((one) => store().lift(one.id)));
      expect(lifts.filter((lift) => lift.ok)).toHaveLength(1);
      for (const lift of lifts.filter((one) => !one.ok)) {
        expect(["superseded", "not_found"]).toContain(lift.error.cause);
      }
    });

    test("counts on: each seq is higher than those before it", async () => {
      let last = 0;
      for (let i = 0; i < 5; i += 1) {
        const { seq = 0 } = await put(newRevocation(token()));
        expect(seq).toBeGreaterThan(last);
        last = seq;
      }
    });

    test.each([1, 3, 100])("pages through all revocations %i at a time, each once", async (limit) => {
      const issuer = unique();
      const targets = [
        ...Array.from({ length: 7 }, () => ({ kind: "token", issuer, id: unique() }) as const),
        ...Array.from({ length: 4 }, () => ({ kind: "tenant", issuer, id: `${unique()} ${unique()}` }) as const),
        { kind: "issuer", issuer } as const,
      ];
      const stored = await Promise.all(targets.map((target) => put(newRevocation(target))));
      const listed = await listAll({ issuer }, limit);
      const ids = (items: readonly StoredRevocation[]): string[] => items.map((item) => item.id).toSorted();
      expect(ids(listed)).toEqual(ids(stored));
      expect(ids(await listAll({ issuer, kind: "token" }, limit))).toEqual(ids(stored.slice(0, 7)));
    });

    test("refuses a cursor it never gave, whatever is asked for, and takes it for no beginning", async () => {
      const made = ["", "x", "AAAA", "W10", "\u{1F600}", "revoked:jti", "zzz", "W251bGxd"];
      const ofAnotherShape = ['["-1"]', '["18446744073709551616"]', '["0","session:secret"]', '{"0":"0"}'];
      for (const cursor of [...made, ...ofAnotherShape.map((text) => Buffer.from(text).toString("base64url"))]) {
        for (const id of [undefined, "a"]) {
          const answer = await store().list({ kind: "token", issuer: "main", id, limit: 10, cursor });
          expect(answer, cursor).toEqual({ ok: false, error: { cause: "unknown_cursor" } });
        }
      }
    });

    test("binds an idempotency key once, gives back its answer, and frees it on an empty one", async () => {
      const key = `${unique()} : * \u{1F600}`;
      const claim = async (fingerprint: string) =>
        valueOf(await store().claimIdempotencyKey(key, fingerprint, HOUR_MS));
      expect(await claim("a")).toBeUndefined();
      expect(await claim("b")).toEqual({ fingerprint: "a", answer: "" });
      valueOf(await store().answerIdempotencyKey(key, { fingerprint: "a", answer: '{"id":1}' }, HOUR_MS));
      expect(await claim("a")).toEqual({ fingerprint: "a", answer: '{"id":1}' });
      valueOf(await store().answerIdempotencyKey(key, { fingerprint: "a", answer: "" }, HOUR_MS));
      expect(await claim("c")).toBeUndefined();
    });

    test("lets an idempotency key go at the end of its time", async () => {
      const key = unique();
      expect(valueOf(await store().claimIdempotencyKey(key, "a", 300))).toBeUndefined();
      await until(
        "the claim's end",
        async () => valueOf(await store().claimIdempotencyKey(key, "b", HOUR_MS)) === undefined,
        5_000,
      );
    });

    test("gives an idempotency key to one of many that ask at once", async () => {
      const key = unique();
      const claims = await Promise.all(
        Array.from({ length: 20 }, (_, i) => store().claimIdempotencyKey(key, `f${i}`, HOUR_MS)),
      );
      expect(claims.map(valueOf).filter((bound) => bound === undefined)).toHaveLength(1);
    });

    test("says of itself that it is reachable and fit", async () => {
      await until("the store to be reachable", () => store().health().reachable);
      expect(store().health()).toEqual({ reachable: true, unfit: undefined, describe: expect.any(String) });
    });
  });
}

/** What holds once a store is stopped; `fresh` gives a started one that nobody else uses. */
export function describeStopped(name: string, fresh: () => Promise<RevocationStore>): void {
  test(`a ${name} store that is stopped answers everything with "stopped", at once`, async () => {
    const store = await fresh();
    await store.stop();
    const stopped = { ok: false, error: expect.objectContaining({ cause: "stopped" }) };
    expect(await store.read(["a"], TIMEOUT_MS)).toEqual(stopped);
    expect(await store.put(newRevocation({ kind: "everything" }))).toEqual(stopped);
    expect(await store.lift("a")).toEqual(stopped);
    expect(await store.get("a")).toEqual(stopped);
    expect(
      await store.list({ kind: undefined, issuer: undefined, id: undefined, limit: 1, cursor: undefined }),
    ).toEqual(stopped);
    expect(await store.claimIdempotencyKey("a", "b", 1_000)).toEqual(stopped);
    expect(await store.answerIdempotencyKey("a", { fingerprint: "b", answer: "" }, 1_000)).toEqual(stopped);
    expect(await store.auditHeads()).toEqual(stopped);
    expect(await store.appendAudit(1, { seq: 0, mac: "" }, [{ seq: 1, text: "", mac: "" }])).toEqual(stopped);
    expect(await store.readAudit(1, 1, 1)).toEqual(stopped);
    expect(await store.dropAudit(1, 1, "", "")).toEqual(stopped);
    expect(await store.keepAuditKey("a")).toEqual(stopped);
    expect(store.health().reachable).toBe(false);
    await store.stop();
  });
}
