// Trap 23: Redis is full. With noeviction a write is refused and told apart; reads go on.
import { expect } from "vitest";
import { newRevocation } from "../conformance/store-suite.ts";
import { test } from "../support/redis-test.ts";

test("a full Redis refuses a revocation as out_of_memory, keeps what it has, and still answers look-ups", async ({
  redis,
  observed,
}) => {
  const target = { kind: "token", issuer: "main", id: "a" } as const;
  await observed.store.put(newRevocation(target));
  await redis.cli("CONFIG", "SET", "maxmemory", "1");
  const refused = newRevocation({ ...target, id: "b" });
  expect(await observed.store.put(refused)).toMatchObject({ ok: false, error: { cause: "out_of_memory" } });
  expect(await observed.lookUp()).toBe("answered");
  const read = await observed.store.read(["revoked:jti:main:a", "revoked:jti:main:b"], 1_000);
  expect(read).toEqual({ ok: true, value: [expect.any(String), null] });
  await redis.cli("CONFIG", "SET", "maxmemory", "0");
  expect((await observed.store.put(refused)).ok).toBe(true);
});
