// Whose turn it is to publish the log, and how far that is done, in one hash of Redis.

import { err, ok } from "../../core/result.ts";
import type { PublicationStore } from "../publication-store.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
import { publicationKey } from "./own-keys.ts";

/** ARGV: the holder, for how long in ms. Answers epoch, seq and link of what is published, each '' where nothing is; or nil. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'holder', 'until', 'epoch', 'seq', 'link')
if found[1] and found[1] ~= ARGV[1] and tonumber(found[2] or 0) > now then return false end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', string.format('%.0f', now + ARGV[2]))
return {found[3] or '', found[4] or '', found[5] or ''}
`;

/** ARGV: the holder, then epoch, seq and link. Answers 1 if it did. */
const PUBLISHED = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[2], 'seq', ARGV[3], 'link', ARGV[4])
return 1
`;

const END = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'holder', 'until')
`;

export function createRedisPublicationStore(keyPrefix: string, begin: () => Ask): PublicationStore {
  const key = publicationKey(keyPrefix);
  return {
    async takeTurn(holder, ttlMs) {
      const reply = await begin()("EVAL", TAKE, 1, key, holder, ttlMs);
      if (!reply.ok) return reply;
      if (reply.value === null) return ok(undefined);
      if (!Array.isArray(reply.value)) return err(fault("protocol", "what is published is of an unknown shape"));
      const [epoch = "", seq = "", link = ""] = reply.value.map(String);
      return ok({ publishedTo: seq === "" ? undefined : { epoch, seq: Number(seq), link } });
    },
    async published(holder, { epoch, seq, link }) {
      const reply = await begin()("EVAL", PUBLISHED, 1, key, holder, epoch, seq, link);
      return reply.ok ? ok(reply.value === 1) : reply;
    },
    async endTurn(holder) {
      const reply = await begin()("EVAL", END, 1, key, holder);
      return reply.ok ? ok(undefined) : reply;
    },
  };
}
