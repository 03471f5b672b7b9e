// Trap 29: Redis refuses the credential. The password never shows, whatever is refused.
import { afterEach, beforeEach, expect, test } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, openRedisStore, type ObservedStore } from "../support/redis-store.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";

const PASSWORD = "p@ss:w/rd %";
let redis: RedisProcess;
let stores: ObservedStore[];

beforeEach(async () => {
  redis = await startRedis({ password: PASSWORD });
  stores = [];
});

afterEach(async () => {
  await Promise.all(stores.map(({ store }) => store.stop()));
  await redis.stop();
});

async function open(url: string, waitUntilReachable: boolean): Promise<ObservedStore> {
  const observed = await openRedisStore(url, { waitUntilReachable });
  stores.push(observed);
  return observed;
}

test.each([
  ["a wrong password", (port: number) => `redis://:wrong-secret@127.0.0.1:${port}`],
  ["an unknown user", (port: number) => `redis://nobody:wrong-secret@127.0.0.1:${port}`],
  ["no password", (port: number) => `redis://127.0.0.1:${port}`],
])("%s is auth, and shows in no message", async (_what, url) => {
  const observed = await open(url(redis.port), false);
  await observed.untilLookUp(3_000, "auth");
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(put).toMatchObject({ ok: false, error: { cause: "auth" } });
  expect(JSON.stringify([observed.store.health(), put, observed.log])).not.toContain("wrong-secret");
});

test("the right password from the URL is sent, and shows in no message", async () => {
  const observed = await open(redis.url, true);
  expect(await observed.lookUp()).toBe("answered");
  expect(observed.store.health().describe).not.toContain("ss:w");
  await redis.kill();
  await observed.untilLookUp(3_000, "connection_refused");
  expect(JSON.stringify([observed.store.health(), observed.log])).not.toMatch(/ss:w|ss%3Aw/);
});

test("a password changed under way is auth once the connection ends, and the old one again is a way back", async () => {
  const observed = await open(redis.url, true);
  await redis.cli("CONFIG", "SET", "requirepass", "another");
  await redis.cli("--no-auth-warning", "-a", "another", "CLIENT", "KILL", "TYPE", "normal");
  await observed.untilLookUp(3_000, "auth");
  await redis.cli("--no-auth-warning", "-a", "another", "CONFIG", "SET", "requirepass", PASSWORD);
  expect(await observed.untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
});

test("a password that the server does not ask for is no reason to stay away", async () => {
  const open2 = await startRedis();
  try {
    const observed = await open(`redis://:unneeded@127.0.0.1:${open2.port}`, true);
    expect(await observed.lookUp()).toBe("answered");
  } finally {
    await open2.stop();
  }
});

test("a right taken away under way is auth from the next look-up on", async () => {
  const observed = await open(redis.url, true);
  await redis.cli("ACL", "SETUSER", "default", "-mget");
  await observed.untilLookUp(3_000, "auth");
  await redis.cli("ACL", "SETUSER", "default", "+mget");
  expect(await observed.untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
});
