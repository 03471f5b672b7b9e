// A Redis, or a proxy before it, that answers a look-up in another shape than MGET has: it has not answered.

import { afterEach, expect, it } from "vitest";
import { openRedisStore } from "../support/redis-store.ts";
import { startRespServer, type Resp, type RespServer } from "../support/resp-server.ts";

let server: RespServer;
afterEach(() => server.stop());

/** Answers MGET with whatever `elements` are. */
async function startFakeRedis(elements: (keys: readonly string[]) => readonly Resp[]): Promise<string> {
  server = await startRespServer((name, keys) => {
    if (name !== "MGET") return undefined;
    // The probe's one key is answered well, so that only look-ups differ.
    return keys.length === 1 ? [null] : elements(keys);
  });
  return server.url;
}

it.each([
  ["an error", { error: "TRYAGAIN one shard is away" }],
  ["a number", 1],
  ["an array", []],
] as const)("one element that is %s leaves the whole batch unanswered", async (_what, element) => {
  const url = await startFakeRedis((keys) => keys.map((_, i) => (i === 0 ? element : null)));
  const { store, lookUp } = await openRedisStore(url, { requireNoEviction: false });
  try {
    expect(await lookUp()).toBe("protocol");
  } finally {
    await store.stop();
  }
});

it.each([
  ["fewer", 1],
  ["more", 3],
])("%s elements than keys make the batch unanswered", async (_what, count) => {
  const url = await startFakeRedis(() => Array.from({ length: count }, () => null));
  const { store, lookUp } = await openRedisStore(url, { requireNoEviction: false });
  try {
    expect(await lookUp()).toBe("protocol");
  } finally {
    await store.stop();
  }
});

it("nothing and values, one per key, are an answer", async () => {
  const url = await startFakeRedis(() => [null, "1"]);
  const { store, lookUp } = await openRedisStore(url, { requireNoEviction: false });
  try {
    expect(await lookUp()).toBe("answered");
  } finally {
    await store.stop();
  }
});
