// Nodes of a real Cluster die and slots move while checks run: what is known stands, what isn't is refused or let through
// by its tier alone, and nothing that is revoked gets by.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import type { Target } from "../../src/core/target.ts";
import { slotOf } from "../../src/revocation/redis/slots.ts";
import { startClusterSetting, type ClusterSetting } from "../support/redis-cluster.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let cluster: ClusterSetting;
let sidecar: SidecarUnderTest | undefined;
let writer: ObservedStore | undefined;

beforeAll(async () => {
  cluster = await startClusterSetting();
});

afterEach(async () => {
  await sidecar?.stop();
  await writer?.store.stop();
  sidecar = writer = undefined;
});

afterAll(() => cluster.stop());

async function begin(): Promise<{ readonly sidecar: SidecarUnderTest; readonly writer: ObservedStore }> {
  sidecar = await startSidecar(`
issuers:
  - { id: ${ISSUER_ID}, issuer: "https://id.example.com", jwks: { file: jwks.json }, audiences: [orders-api], algorithms: [ES256] }
store: { url: "${cluster.url}" }
routes:
  - { path: /critical, tier: critical }
  - { path: /low, tier: low }
`);
  writer = await openRedisStore(cluster.url);
  return { sidecar, writer };
}

/** Which of the three primaries holds a key's slot at the start. */
function thirdOf(key: string): 0 | 1 | 2 {
  const slot = slotOf(key);
  if (slot < 5_461) return 0;
  return slot < 10_923 ? 1 : 2;
}

function nameAt(third: number, keyOf: (name: string) => string, first = "n"): string {
  for (let i = 0; ; i += 1) if (thirdOf(keyOf(`${first}${i}`)) === third) return `${first}${i}`;
}

const keyOfSession = (sid: string): string => `revoked:sid:${ISSUER_ID}:${sid}`;
const keyOfToken = (jti: string): string => `revoked:jti:${ISSUER_ID}:${jti}`;
const keyOfUser = (sub: string): string => `user:revoked_after:${ISSUER_ID}:${sub}`;
const session = (id: string): Target => ({ kind: "session", issuer: ISSUER_ID, id });

/** What every token's look-up asks for lies with one primary, so that the two others can be away without all being so. */
const SHARED = thirdOf("global:revoked_after");
const ISSUER_ID = nameAt(SHARED, (id) =>
  thirdOf(`revoked:kid:${id}:k1`) === SHARED ? `issuer:revoked_after:${id}` : `{${SHARED === 0 ? "a" : "b"}}`,
);

test("a slot on its way, and one that has moved, are followed: what is revoked stays so, and nobody else is refused", async () => {
  const { sidecar: guard, writer: control } = await begin();
  const sid = nameAt(0, keyOfSession, "moving");
  const slot = slotOf(keyOfSession(sid));
  const revoked = token({ sid });
  const other = token();
  const check = async (): Promise<void> => {
    const [a, b] = await Promise.all([
      guard.check({ path: "/critical", token: revoked }),
      guard.check({ path: "/critical", token: other }),
    ]);
    expect([a.status, a.metadata["reason"], b.status]).toEqual([401, "revoked", 200]);
  };
  expect((await control.store.put(newRevocation(session(sid)))).ok).toBe(true);
  await check();
  const [first, second] = cluster.servers;
  if (first === undefined || second === undefined) throw new Error("no servers");
  await cluster.moveSlot(slot, first, second, check);
  for (let i = 0; i < 5; i += 1) await check();
  expect((await control.store.put(newRevocation(session(sid)))).ok).toBe(true);
  await check();
  expect(await guard.metric('portcullis_store_errors_total{cause="moved"}')).toBe(0);
  await cluster.moveSlot(slot, second, first, check);
});

test("several keys of one slot on its way are asked for one by one, for what is nowhere looks as if it had gone ahead", async () => {
  const { writer: control } = await begin();
  const keys = ["{same}:a", "{same}:b", "{same}:c"];
  await cluster.cli("SET", "{same}:b", "here");
  const slot = slotOf("{same}:a");
  const from = await cluster.ownerOf(slot);
  const to = cluster.servers.slice(0, 3).find((server) => server !== from);
  if (to === undefined) throw new Error("no other");
  const read = async (): Promise<void> => {
    expect(await control.store.read(keys, 1_000)).toEqual({ ok: true, value: [null, "here", null] });
  };
  await read();
  await cluster.moveSlot(slot, from, to, read);
  await read();
  await cluster.cli("DEL", "{same}:b");
  await cluster.moveSlot(slot, to, from);
});

test("a primary that hangs takes only its own keys with it, and its replica gives them back", async () => {
  const { sidecar: guard, writer: control } = await begin();
  const [there, elsewhere] = [(SHARED + 1) % 3, (SHARED + 2) % 3];
  const victim = await cluster.ownerOf(slotOf(keyOfSession(nameAt(there, keyOfSession))));
  const sub = nameAt(elsewhere, keyOfUser);
  const sidThere = nameAt(there, keyOfSession);
  const sid = nameAt(elsewhere, keyOfSession);
  const jtiThere = nameAt(there, keyOfToken);
  const statusOf = async (path: string, bearer: string): Promise<number> =>
    (await guard.check({ path, token: bearer })).status;
  const untouched = token({ jti: nameAt(elsewhere, keyOfToken), sid, sub });
  const revoked = token({ jti: jtiThere, sid, sub });
  const unseen = token({ jti: nameAt(elsewhere, keyOfToken), sid: sidThere, sub });
  const target: Target = { kind: "token", issuer: ISSUER_ID, id: jtiThere };
  expect((await control.store.put(newRevocation(target))).ok).toBe(true);
  expect(await statusOf("/critical", revoked)).toBe(401);
  for (const bearer of [untouched, unseen]) expect(await statusOf("/critical", bearer)).toBe(200);

  victim.pause();
  // Asked of it: unknown, so 503 where the tier is strict; what was seen revoked stays so in every tier.
  await until("its keys to be unavailable", async () => (await statusOf("/critical", unseen)) === 503, 5_000, 5);
  expect(await statusOf("/low", revoked)).toBe(401);
  // Asked in one turn: neither the batch nor the breaker of the one that hangs may be the others'.
  for (let i = 0; i < 25; i += 1) {
    const both = [statusOf("/critical", unseen), statusOf("/critical", untouched)];
    expect((await Promise.all(both))[1]).toBe(200);
  }
  await until(
    "its replica to be promoted",
    async () => (await cluster.ownerOf(slotOf(keyOfSession(sidThere)))) !== victim,
    20_000,
  );
  await until("its keys to be back", async () => (await statusOf("/critical", unseen)) === 200, 6_000);
  expect(await statusOf("/critical", revoked)).toBe(401);
  await until("writes to go on", async () => (await control.store.put(newRevocation(session(sidThere)))).ok, 10_000);
  expect(await statusOf("/critical", unseen)).toBe(401);
  victim.resume();
  await until("the old primary to be a replica", async () => (await victim.cli("ROLE")).startsWith("slave"), 20_000);
  expect(await statusOf("/critical", untouched)).toBe(200);
  expect(await statusOf("/critical", unseen)).toBe(401);
});

test("a marker that was read stands though the node of another key is away", async () => {
  const { sidecar: guard, writer: control } = await begin();
  const sid = nameAt((SHARED + 2) % 3, keyOfSession, "unheard");
  const holder = await cluster.ownerOf(slotOf(keyOfSession(sid)));
  const shared = await cluster.ownerOf(slotOf("global:revoked_after"));
  expect((await guard.check({ path: "/low", token: token({ sid }) })).status).toBe(200);
  shared.pause();
  try {
    // Nobody has seen it revoked yet: it is read while the node of the watermarks does not answer.
    await holder.cli("SET", keyOfSession(sid), "1");
    for (const path of ["/low", "/critical"]) {
      const { status, metadata } = await guard.check({ path, token: token({ sid }) });
      expect([status, metadata["reason"]]).toEqual([401, "revoked"]);
    }
    expect((await guard.check({ path: "/critical", token: token() })).status).toBe(503);
    const { metadata } = await guard.check({ path: "/low", token: token() });
    expect(metadata["assurance"]).toBe("fail-open");
  } finally {
    shared.resume();
  }
  await until("writes to go on", async () => (await control.store.put(newRevocation(session("x")))).ok, 20_000);
});

test("a write whose feed can't be told is not acknowledged, though it stands; done again it is told", async () => {
  const { writer: control } = await begin();
  const feed = thirdOf("portcullis:{feed}:head");
  const elsewhere = (feed + 1) % 3;
  const target = session(nameAt(elsewhere, keyOfSession, "untold"));
  const ours = (): ReturnType<typeof newRevocation> => {
    for (;;) {
      const one = newRevocation(target);
      if (thirdOf(`portcullis:revocation:${one.id}`) === elsewhere) return one;
    }
  };
  await until("writes to go on", async () => (await control.store.put(newRevocation(session("y")))).ok, 20_000);
  const before = await control.store.eventsAfter("end", 0);
  const owner = await cluster.ownerOf(slotOf("portcullis:{feed}:head"));
  owner.pause();
  const untold = await control.store.put(ours());
  expect(untold.ok).toBe(false);
  expect(await control.store.read([keyOfSession(target.kind === "session" ? target.id : "")], 1_000)).toMatchObject({
    ok: true,
    value: [expect.stringContaining("left the company")],
  });
  owner.resume();
  const told = await until(
    "the feed to be told",
    async () => {
      const put = await control.store.put(ours());
      return put.ok ? put.value : undefined;
    },
    20_000,
  );
  const seq = before.ok ? before.value.reached.seq : Number.NaN;
  expect(told.seq).toBeGreaterThan(seq);
  const after = await control.store.eventsAfter((told.seq ?? 0) - 1, 0);
  expect(after.ok && after.value.entries[0]?.event).toMatchObject({ change: "revoked", id: told.id, target });
});
