// The store of several processes: one Redis (7 or later, not a Cluster). What is durable there is up to its appendonly and
// appendfsync settings: with `appendfsync always` nothing that was answered is lost in a crash.
import { Redis } from "ioredis";
import type { Change, IdentityStore } from "./store.ts";

/** Of one command, the wait for a connection included: a person waits for the page meanwhile. */
const COMMAND_TIMEOUT_MS = 2_000;
const LONGEST_RETRY_MS = 1_000;

const SWAP = `
  local is = redis.call('GET', KEYS[1])
  if ARGV[1] == '' then
    if is then return 0 end
  elseif is ~= string.sub(ARGV[1], 2) then
    return 0
  end
  if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2])
  else redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3]) end
  return 1
`;

/** `keyPrefix` is put before every key, for a Redis that others use, too. */
export function openRedisStore(url: string, keyPrefix: string, onError: (error: Error) => void): IdentityStore {
  const redis = new Redis(url, {
    enableOfflineQueue: true,
    maxRetriesPerRequest: 1,
    commandTimeout: COMMAND_TIMEOUT_MS,
    retryStrategy: (attempt) => Math.min(attempt * 50, LONGEST_RETRY_MS) * (0.5 + Math.random() / 2),
  });
  redis.on("error", onError); // without a listener an error event would end the process

  return {
    get: async (key) => (await redis.get(keyPrefix + key)) ?? undefined,
    async swap(key, expected, value, expiresAtMs) {
      const was = expected === undefined ? "" : `=${expected}`;
      const expiry = expiresAtMs === undefined ? "" : whole(expiresAtMs);
      return (await redis.eval(SWAP, 1, keyPrefix + key, was, value, expiry)) === 1;
    },
    async write(changes) {
      const transaction = redis.multi();
      for (const change of changes) for (const [name, ...args] of commandsOf(change)) transaction.call(name, args);
      for (const [error] of (await transaction.exec()) ?? []) if (error !== null) throw error;
    },
    members: (set) => redis.zrangebyscore(keyPrefix + set, `(${Date.now()}`, "+inf"),
    async ping() {
      await redis.ping();
    },
    async close() {
      redis.disconnect();
    },
  };

  function commandsOf(change: Change): readonly (readonly [name: string, ...args: string[]])[] {
    if ("put" in change) {
      const expiry = change.expiresAtMs === undefined ? [] : ["PXAT", whole(change.expiresAtMs)];
      return [["SET", keyPrefix + change.put, change.value, ...expiry]];
    }
    if ("drop" in change) return [["DEL", keyPrefix + change.drop]];
    if ("unlink" in change) return [["ZREM", keyPrefix + change.unlink, change.member]];
    const [set, score] = [keyPrefix + change.link, whole(change.expiresAtMs)];
    return [
      ["ZADD", set, score, change.member],
      ["ZREMRANGEBYSCORE", set, "-inf", String(Date.now())],
      ["PEXPIREAT", set, score, "NX"],
      ["PEXPIREAT", set, score, "GT"],
    ];
  }
}

function whole(atMs: number): string {
  return String(Math.ceil(atMs));
}
