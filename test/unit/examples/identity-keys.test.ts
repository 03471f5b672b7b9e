// The ring of signing keys over months of a turned clock: who signs, who is published, and for how long.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createKeyRing, type KeyRing } from "../../../examples/identity-service/key-ring.ts";
import { openSqliteStore } from "../../../examples/identity-service/store/sqlite.ts";
import type { IdentityStore } from "../../../examples/identity-service/store/store.ts";

const DAY_MS = 86_400_000;
const LEAD_MS = 3_600_000;
const KEEP_MS = 900_000;

let store: IdentityStore;
const ringOn = (): KeyRing =>
  createKeyRing({ store, rotateEveryMs: 30 * DAY_MS, publishLeadMs: LEAD_MS, keepMs: KEEP_MS });
const published = async (ring: KeyRing): Promise<readonly unknown[]> =>
  (await ring.current()).keys.map(({ kid }) => kid);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.UTC(2026, 0, 1) });
  store = openSqliteStore(":memory:");
});
afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

test("on a schedule: each key is published the whole time before it signs, and after it until its last token has died", async () => {
  const ring = ringOn();
  let [signing, next] = await published(ring);
  for (let month = 1; month <= 4; month += 1) {
    vi.setSystemTime(Date.UTC(2026, 0, 1) + month * 30 * DAY_MS - 1);
    expect(await published(ring)).toEqual([signing, next]);
    vi.setSystemTime(Date.UTC(2026, 0, 1) + month * 30 * DAY_MS);
    expect((await ring.current()).kid).toBe(next);
    const [nowSigning, ...others] = await published(ring);
    expect(nowSigning).toBe(next);
    expect(others).toContain(signing);
    expect(others).toHaveLength(2);
    vi.setSystemTime(Date.now() + KEEP_MS);
    expect(await published(ring)).not.toContain(signing);
    [signing, next] = await published(ring);
  }
});

test("on demand: the next key signs, but not before it has been published for the lead", async () => {
  const ring = ringOn();
  const [first, next] = await published(ring);
  const promised = await ring.rotate();
  expect(promised).toEqual({ kid: next, active_from: Date.now() + LEAD_MS });
  expect((await ring.current()).kid).toBe(first);
  vi.setSystemTime(Date.now() + LEAD_MS);
  expect((await ring.current()).kid).toBe(next);
  expect(await ring.states()).toMatchObject([
    { kid: first, state: "retired" },
    { kid: next, state: "signing" },
    { state: "next" },
  ]);
});

test("asked for twice it is done once", async () => {
  const ring = ringOn();
  await ring.current();
  expect(await ring.rotate()).toEqual(await ring.rotate());
});

test("several processes that begin at one time have one ring", async () => {
  const rings = await Promise.all(Array.from({ length: 4 }, () => ringOn().current()));
  expect(new Set(rings.map(({ kid }) => kid)).size).toBe(1);
  expect(await published(ringOn())).toHaveLength(2);
});

test("a service that was off for a year signs with the key it had promised, and publishes the one after it", async () => {
  const [, next] = await published(ringOn());
  vi.setSystemTime(Date.now() + 365 * DAY_MS);
  const after = await published(ringOn());
  expect(after[0]).toBe(next);
  expect(after).toHaveLength(2);
});
