// Trap 27: answers come from a primary only, for a replica is stale without bound.
import { expect } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { BACK_WITHIN_MS, openRedisStore } from "../support/redis-store.ts";
import { test } from "../support/redis-test.ts";

test("a primary demoted under an open connection counts as unavailable within 2 s, and is used again when promoted", async ({
  redis,
  observed,
}) => {
  await redis.cli("REPLICAOF", "127.0.0.1", "1");
  await observed.untilLookUp(4_000, "not_primary");
  expect(observed.store.health()).toMatchObject({ reachable: false, describe: expect.stringContaining("not_primary") });
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(put).toMatchObject({ ok: false });
  expect(["not_primary", "read_only"]).toContain(put.ok ? "stored" : put.error.cause);
  await redis.cli("REPLICAOF", "NO", "ONE");
  await observed.untilLookUp(BACK_WITHIN_MS, "answered");
});

test("a replica is never asked for data, not even once", async ({ redis, observed }) => {
  await redis.cli("REPLICAOF", "127.0.0.1", "1");
  await redis.cli("CONFIG", "RESETSTAT");
  const other = await openRedisStore(redis.url, { waitUntilReachable: false });
  try {
    await other.untilLookUp(4_000, "not_primary");
    const list = await other.store.list({
      kind: undefined,
      issuer: undefined,
      id: undefined,
      limit: 1,
      cursor: undefined,
    });
    expect(list).toMatchObject({ ok: false, error: { cause: "not_primary" } });
    await observed.untilLookUp(4_000, "not_primary");
    await redis.cli("CONFIG", "RESETSTAT");
    for (let i = 0; i < 20; i += 1) expect(await other.lookUp()).toBe("not_primary");
    expect(await redis.cli("INFO", "commandstats")).not.toMatch(/cmdstat_(mget|scan)/);
  } finally {
    await other.store.stop();
  }
});

test("a write that meets a replica before the role is asked again is refused as read_only", async ({
  redis,
  observed,
}) => {
  await redis.cli("REPLICAOF", "127.0.0.1", "1");
  const put = await observed.store.put(newRevocation({ kind: "everything" }));
  expect(["read_only", "not_primary"]).toContain(put.ok ? "stored" : put.error.cause);
});
