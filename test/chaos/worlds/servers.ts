// What worlds of several servers have in common.

import type { RedisProcess } from "../../support/redis-server.ts";

/** Whatever was killed or paused runs again. */
export async function reviveAll(servers: readonly RedisProcess[]): Promise<void> {
  for (const server of servers) {
    server.resume();
    if (!server.isAnswering()) await server.restart();
  }
}

/** Which of the keys `server` has; none of their values is empty, and none has a line of its own in it. */
export async function existing(server: RedisProcess, keys: readonly string[]): Promise<readonly boolean[]> {
  if (keys.length === 0) return [];
  return (await server.cli("MGET", ...keys)).split("\n").map((value) => value !== "");
}
