// What waits for approval, in Redis: until when, by its clock, and what it is.

import { err, ok, type Result } from "../../core/result.ts";
import { MAX_PENDING, type PendingRequest, type PendingStore } from "../pending-store.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
import { pendingTextsKey, pendingUntilKey } from "./own-keys.ts";

/** Longer than any request waits: what nobody looks at any more leaves nothing behind. */
const KEPT_FOR_MS = 86_400_000;

/** KEYS of each script: until when each waits, and what they are. What is past its end is cleared away first. */
const CLEARING = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function number(n)
  return string.format('%.0f', n)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', number(now))) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
`;

/** ARGV: id, text, how long in ms, how many at the most, how long the keys are kept in ms. Answers until when as text, or nil. */
const ADD = `${CLEARING}
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return false end
local till = number(now + ARGV[3])
redis.call('ZADD', KEYS[1], till, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return till
`;

/** Answers id, until when as text, and text, by turns. */
const LIST = `${CLEARING}
local waiting = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf', 'WITHSCORES')
local told = {}
for i = 1, #waiting, 2 do
  told[#told + 1] = waiting[i]
  told[#told + 1] = waiting[i + 1]
  told[#told + 1] = redis.call('HGET', KEYS[2], waiting[i]) or ''
end
return told
`;

/** ARGV[1]: the id. */
const FINDING = `${CLEARING}
local till = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not till then return {} end
local told = {ARGV[1], till, redis.call('HGET', KEYS[2], ARGV[1]) or ''}
`;

/** Answers the same of the one, or nothing. */
const FIND = `${FINDING}
return told
`;

/** Answers as FIND. */
const TAKE = `${FINDING}
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return told
`;

export function createRedisPendingStore(keyPrefix: string, begin: () => Ask): PendingStore {
  const keys = [2, pendingUntilKey(keyPrefix), pendingTextsKey(keyPrefix)] as const;
  return {
    async addPending(id, text, ttlMs) {
      const reply = await begin()("EVAL", ADD, ...keys, id, text, ttlMs, MAX_PENDING, KEPT_FOR_MS);
      if (!reply.ok) return reply;
      return ok(reply.value === null ? undefined : { id, text, expiresAtMs: Number(reply.value) });
    },
    async pending() {
      const reply = await begin()("EVAL", LIST, ...keys);
      return reply.ok ? requestsOf(reply.value) : reply;
    },
    pendingById: async (id) => oneOf(await begin()("EVAL", FIND, ...keys, id)),
    takePending: async (id) => oneOf(await begin()("EVAL", TAKE, ...keys, id)),
  };
}

function oneOf(reply: Result<unknown, StoreFault>): Result<PendingRequest | undefined, StoreFault> {
  const found = reply.ok ? requestsOf(reply.value) : reply;
  return found.ok ? ok(found.value[0]) : found;
}

function requestsOf(reply: unknown): Result<readonly PendingRequest[], StoreFault> {
  if (!Array.isArray(reply)) return err(fault("protocol", "what waits for approval is of an unknown shape"));
  const requests: PendingRequest[] = [];
  for (let i = 0; i + 2 < reply.length; i += 3) {
    requests.push({ id: String(reply[i]), expiresAtMs: Number(reply[i + 1]), text: String(reply[i + 2]) });
  }
  return ok(requests);
}
