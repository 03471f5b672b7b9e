// Notes when more servers took themselves for primaries than there are places for, whatever made the others replace one: on a
// machine that is busy elsewhere a primary may be late for them without any fault. The promise leaves out what a deposed one
// says that does not know it.

import { Redis } from "ioredis";
import type { RedisProcess } from "../../support/redis-server.ts";
import type { Notes } from "../fault.ts";

const ASK_EVERY_MS = 20;
/** Whoever does not answer is what it was: a paused primary is one when it goes on. */
const ANSWER_WITHIN_MS = 100;

interface Watched {
  readonly client: Redis;
  isPrimary: boolean;
  /** When it was last asked and said that it was none. */
  lastNoneAtMs: number;
}

/** Watches until the end that it gives back is called. */
export function watchForDeposedPrimaries(
  servers: readonly RedisProcess[],
  placeCount: number,
  notes: Notes,
): () => Promise<void> {
  const watched = servers.map(({ port }): Watched => ({ client: clientOf(port), isPrimary: false, lastNoneAtMs: 0 }));
  let tooManySinceMs: number | undefined;
  const ending = new AbortController();

  async function look(): Promise<void> {
    await Promise.all(watched.map((one) => askRole(one, notes)));
    const primaries = watched.filter(({ isPrimary }) => isPrimary);
    if (primaries.length > placeCount) {
      // The youngest of them has been one since it was last known to be none, at the earliest.
      tooManySinceMs ??= Math.max(...primaries.map(({ lastNoneAtMs }) => lastNoneAtMs));
    } else if (tooManySinceMs !== undefined) {
      notes.disturbed({ kind: "primary deposed", fromMs: tooManySinceMs, toMs: notes.nowMs() });
      tooManySinceMs = undefined;
    }
  }

  const watching = (async () => {
    while (!ending.signal.aborted) {
      await look();
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
  })();
  return async () => {
    ending.abort();
    await watching;
    if (tooManySinceMs !== undefined) {
      notes.disturbed({ kind: "primary deposed", fromMs: tooManySinceMs, toMs: notes.nowMs() });
    }
    for (const { client } of watched) client.disconnect();
  };
}

async function askRole(one: Watched, notes: Notes): Promise<void> {
  const askedAtMs = notes.nowMs();
  try {
    const [role] = (await one.client.role()) as readonly unknown[];
    one.isPrimary = role === "master";
    if (!one.isPrimary) one.lastNoneAtMs = askedAtMs;
  } catch {
    // Gone, which says nothing to anybody; or held, and then it is what it was.
    if (one.client.status === "ready") return;
    one.isPrimary = false;
    one.lastNoneAtMs = askedAtMs;
  }
}

function clientOf(port: number): Redis {
  const client = new Redis({
    port,
    host: "127.0.0.1",
    commandTimeout: ANSWER_WITHIN_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => ASK_EVERY_MS,
  });
  client.on("error", () => undefined); // it is asked again
  return client;
}
