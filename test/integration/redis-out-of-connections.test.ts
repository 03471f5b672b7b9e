// Trap 29: Redis has reached maxclients.
import { once } from "node:events";
import { connect } from "node:net";
import { expect } from "vitest";
import { BACK_WITHIN_MS } from "../support/redis-store.ts";
import { test } from "../support/redis-test.ts";

test("a Redis without a connection left is max_clients, and is back when one is free", async ({ redis, observed }) => {
  const holder = connect(redis.port, "127.0.0.1");
  await once(holder, "connect");
  const order = async (command: string): Promise<void> => {
    holder.write(`${command}\r\n`);
    await once(holder, "data");
  };
  try {
    await order("CONFIG SET maxclients 1");
    await order("CLIENT KILL TYPE normal SKIPME yes");
    await observed.untilLookUp(3_000, "max_clients");
    await order("CONFIG SET maxclients 100");
    expect(await observed.untilLookUp(BACK_WITHIN_MS, "answered")).toBe("answered");
  } finally {
    holder.destroy();
  }
});
