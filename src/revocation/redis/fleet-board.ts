// What sidecars say of themselves, in Redis: who was seen when, by its clock, and each one's last report.

import { ok, err, type Result } from "../../core/result.ts";
import {
  MAX_SIDECARS,
  SILENT_AFTER_MS,
  type FleetBoard,
  type SeenSidecar,
  type SidecarReport,
} from "../fleet-board.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import { MAX_OPEN_QUESTIONS, type FleetQuestion } from "../preview/question.ts";
import type { Ask } from "./operation.ts";
import { fleetQuestionsKey, fleetReportsKey, fleetSeenKey } from "./own-keys.ts";

/** An abandoned fleet leaves nothing behind. */
const KEPT_FOR_MS = 60_000;

const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/**
 * KEYS[1] who was seen when, KEYS[2] their reports, KEYS[3] the open questions by when they close; ARGV: how long a
 * silent one is kept in ms, how many are kept, how long the keys are, then ids and reports by turns. Answers the open
 * questions.
 */
const REPORT = `${NOW}
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.0f', now - ARGV[1]), 'LIMIT', 0, 1000)
for _, id in ipairs(gone) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
for i = 4, #ARGV, 2 do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) or redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then
    redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[i])
    redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. string.format('%.0f', now), '+inf')
`;

/** KEYS as above; ARGV[1] as above. Answers when each was seen, in epoch ms as text, and its report, by turns. */
const FLEET = `${NOW}
local since = string.format('%.0f', now - ARGV[1])
local seen = redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf', 'WITHSCORES')
local fleet = {}
for i = 1, #seen, 2 do
  fleet[i] = seen[i + 1]
  fleet[i + 1] = redis.call('HGET', KEYS[2], seen[i]) or ''
end
return fleet
`;

/** KEYS[1] the open questions; ARGV: how many may be open, for how long this one is in ms, the question. */
const ASK = `${NOW}
for _, closed in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))) do
  redis.call('ZREM', KEYS[1], closed)
end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

export function createRedisFleetBoard(keyPrefix: string, begin: () => Ask): FleetBoard {
  const keys = [fleetSeenKey(keyPrefix), fleetReportsKey(keyPrefix)] as const;
  const questions = fleetQuestionsKey(keyPrefix);
  return {
    async report(reports) {
      const told = reports.flatMap((report) => [report.id, JSON.stringify(report)]);
      const bounds = [SILENT_AFTER_MS, MAX_SIDECARS, KEPT_FOR_MS];
      const reply = await begin()("EVAL", REPORT, 3, ...keys, questions, ...bounds, ...told);
      if (!reply.ok) return reply;
      return Array.isArray(reply.value) ? ok(reply.value.flatMap(questionOf)) : unexpected();
    },
    async ask(question, forMs) {
      const reply = await begin()("EVAL", ASK, 1, questions, MAX_OPEN_QUESTIONS, forMs, JSON.stringify(question));
      return reply.ok ? ok(reply.value === 1) : reply;
    },
    async fleet() {
      const reply = await begin()("EVAL", FLEET, 2, ...keys, SILENT_AFTER_MS);
      return reply.ok ? seenSidecars(reply.value) : reply;
    },
    async heeded(ids) {
      if (ids.length === 0) return ok([]);
      const reply = await begin()("HMGET", fleetReportsKey(keyPrefix), ...ids);
      if (!reply.ok) return reply;
      return Array.isArray(reply.value) ? ok(reply.value.map((text) => reportOf(text)?.heeded)) : unexpected();
    },
  };
}

function seenSidecars(reply: unknown): Result<readonly SeenSidecar[], StoreFault> {
  if (!Array.isArray(reply)) return unexpected();
  const fleet: SeenSidecar[] = [];
  for (let i = 0; i + 1 < reply.length; i += 2) {
    const report = reportOf(reply[i + 1]);
    if (report !== undefined) fleet.push({ ...report, lastSeenMs: Number(reply[i]) });
  }
  return ok(fleet);
}

/** undefined where nothing is, or what is there is not ours. */
function reportOf(text: unknown): SidecarReport | undefined {
  return readJson(text) as SidecarReport | undefined;
}

function questionOf(text: unknown): readonly FleetQuestion[] {
  const question = readJson(text) as FleetQuestion | undefined;
  return question === undefined ? [] : [question];
}

function readJson(text: unknown): unknown {
  if (typeof text !== "string" || !text.startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the fleet's reports are of an unknown shape"));
}
