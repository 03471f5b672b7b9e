// A Redis comes back from an older file, and somebody writes to it in the middle of the replay of what it lost.
import { afterEach, expect, test } from "vitest";
import { createFeedKeeper, type FeedKeeper } from "../../src/revocation/redis/feed-keeper.ts";
import { linkForOperations } from "../../src/revocation/redis/links.ts";
import { fixedLocator } from "../../src/revocation/redis/locator.ts";
import { beginOperation } from "../../src/revocation/redis/operation.ts";
import { REPLACE_MARKER, REPLAY_ENTRY } from "../../src/revocation/redis/scripts.ts";
import { parseRedisUrl } from "../../src/revocation/redis/url.ts";
import type { StoredRevocation } from "../../src/revocation/store.ts";
import { newRevocation, realClock } from "../conformance/store-suite.ts";
import { openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let writer: ObservedStore;
let keeper: FeedKeeper;
let stopLink: () => Promise<void>;

afterEach(async () => {
  await keeper.stop();
  await stopLink();
  await writer.store.stop();
  await redis.stop();
});

const target = (id: string) => ({ kind: "token", issuer: "main", id }) as const;

async function revoke(id: string): Promise<StoredRevocation> {
  const put = await writer.store.put(newRevocation(target(id)));
  if (!put.ok) throw new Error(put.error.cause);
  return put.value;
}

/** `before`: hears of each script that the keeper is about to run. */
function startKeeper(server: RedisProcess, before: (script: unknown) => Promise<void> = async () => {}): void {
  const address = parseRedisUrl(server.url);
  if (!address.ok) throw new Error(address.error);
  const linkNamed = (name: string) => linkForOperations(fixedLocator(address.value), realClock, name);
  const operations = linkNamed("test-operations");
  operations.start();
  stopLink = () => operations.stop();
  keeper = createFeedKeeper({
    keyPrefix: "",
    clock: realClock,
    log: { info() {}, warn() {}, error() {} },
    link: linkNamed("test-keeper"),
    begin() {
      const ask = beginOperation(operations, realClock);
      return async (command, ...args) => {
        if (command === "EVAL") await before(args[0]);
        return ask(command, ...args);
      };
    },
  });
  keeper.start();
}

test("what a replay could not finish, for somebody wrote in between, is not forgotten", async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  let replays = 0;
  startKeeper(redis, async (script) => {
    if (script === REPLAY_ENTRY && ++replays === 2) await revoke("between");
  });
  await keeper.untilKept(await revoke("before"));
  await redis.cli("SAVE");
  for (const id of ["b", "c", "d"]) await keeper.untilKept(await revoke(id));
  await redis.kill();
  await redis.restart();
  expect(await redis.cli("EXISTS", "revoked:jti:main:before")).toBe("1");
  const keys = ["before", "b", "between", "c", "d"].map((id) => `revoked:jti:main:${id}`);
  await until("all of them", async () => (await redis.cli("EXISTS", ...keys)) === String(keys.length));
  expect(replays).toBe(2);
});

test("what another control plane has given back, and somebody lifted since, is not given back again", async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  const inBetween = new Map<unknown, () => Promise<unknown>>();
  startKeeper(redis, async (script) => {
    const happen = inBetween.get(script);
    inBetween.delete(script);
    await happen?.();
  });
  await keeper.untilKept(await revoke("before"));
  await redis.cli("SAVE");
  const lifted = await revoke("lifted");
  for (const put of [lifted, await revoke("kept")]) await keeper.untilKept(put);
  await redis.kill();
  inBetween.set(REPLAY_ENTRY, () => revoke("between"));
  inBetween.set(REPLACE_MARKER, async () => {
    await writer.store.put(lifted);
    expect((await writer.store.lift(lifted.id)).ok).toBe(true);
  });
  await redis.restart();
  await until("the other one", async () => (await redis.cli("EXISTS", "revoked:jti:main:kept")) === "1");
  expect(inBetween.size).toBe(0);
  await keeper.untilKept(await revoke("after"));
  expect(await redis.cli("EXISTS", "revoked:jti:main:lifted")).toBe("0");
});

test("what was written to a server that is no primary any longer is not acknowledged, though its seq is given elsewhere, too", async () => {
  redis = await startRedis();
  const successor = await startRedis();
  writer = await openRedisStore(redis.url);
  const other = await openRedisStore(successor.url);
  startKeeper(successor);
  try {
    const there = await other.store.put(newRevocation(target("there")));
    if (!there.ok) throw new Error(there.error.cause);
    expect(await keeper.untilKept(there.value)).toBe(true);
    const here = await revoke("here");
    expect(here.seq).toBe(there.value.seq);
    expect(await keeper.untilKept(here)).toBe(false);
  } finally {
    await other.store.stop();
    await successor.stop();
  }
});

test("a process that was held has not waited meanwhile: what was written is still acknowledged", async () => {
  redis = await startRedis();
  writer = await openRedisStore(redis.url);
  startKeeper(redis);
  const before = await revoke("before");
  expect(await keeper.untilKept(before)).toBe(true);
  const revocation = newRevocation(target("held"));
  const isKept = keeper.untilKept({ seq: (before.seq ?? 0) + 1, id: revocation.id });
  const heldTillMs = performance.now() + 1_200;
  while (performance.now() < heldTillMs);
  await writer.store.put(revocation);
  expect(await isKept).toBe(true);
});
