// A Redis, or a proxy before it, that answers a look-up in another shape than MGET has: it has not answered.

import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { openRedisStore } from "../support/redis-store.ts";

const NOTHING = "$-1\r\n";
const ROLE = "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n";

let server: Server;
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, "close");
});

/** Speaks enough RESP2 to be a primary, and answers MGET with whatever `elements` are. */
async function startFakeRedis(elements: (keys: readonly string[]) => readonly string[]): Promise<string> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let pending = "";
    socket.on("data", (bytes) => {
      pending += bytes.toString("latin1");
      for (let command = take(); command !== undefined; command = take()) socket.write(answerTo(command));
    });

    function take(): readonly string[] | undefined {
      const lines = pending.split("\r\n");
      const count = Number((lines[0] ?? "").slice(1));
      const end = 1 + 2 * count;
      if (pending === "" || lines.length <= end) return undefined;
      pending = lines.slice(end).join("\r\n");
      return Array.from({ length: count }, (_, i) => lines[2 + 2 * i] ?? "");
    }
  });

  function answerTo([name, ...args]: readonly string[]): string {
    if (name?.toUpperCase() === "ROLE") return ROLE;
    if (name?.toUpperCase() !== "MGET") return "+OK\r\n";
    // The probe's one key is answered well, so that only look-ups differ.
    const found = args.length === 1 ? [NOTHING] : elements(args);
    return `*${found.length}\r\n${found.join("")}`;
  }

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

it.each([
  ["an error", "-TRYAGAIN one shard is away\r\n"],
  ["a number", ":1\r\n"],
  ["an array", "*0\r\n"],
])("one element that is %s leaves the whole batch unanswered", async (_what, element) => {
  const url = await startFakeRedis((keys) => keys.map((_, i) => (i === 0 ? element : NOTHING)));
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
  const url = await startFakeRedis(() => Array.from({ length: count }, () => NOTHING));
  const { store, lookUp } = await openRedisStore(url, { requireNoEviction: false });
  try {
    expect(await lookUp()).toBe("protocol");
  } finally {
    await store.stop();
  }
});

it("nothing and values, one per key, are an answer", async () => {
  const url = await startFakeRedis(() => [NOTHING, "$1\r\n1\r\n"]);
  const { store, lookUp } = await openRedisStore(url, { requireNoEviction: false });
  try {
    expect(await lookUp()).toBe("answered");
  } finally {
    await store.stop();
  }
});
