// Audit trails in Redis: a stream for each chain, whose ids are `seq`-0, and one hash that says where each ends. All lie
// in one slot, so that a chain and its end change together.

import { err, ok, type Result } from "../../core/result.ts";
import { AUDIT_CHAINS, type AuditHead, type AuditRecord, type AuditStore } from "../audit-store.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { Ask } from "./operation.ts";
import { auditHeadsKey, auditKeyKey, auditLogKey } from "./own-keys.ts";

/**
 * KEYS: heads, log; ARGV: chain, the end that must stand, the end to set, then seq, text and mac of each record. A log
 * that goes on beyond its end, or is none, was tampered with, and is left as it is. Answers 1 if it appended.
 */
const APPEND = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
for i = 4, #ARGV, 3 do
  local added = redis.pcall('XADD', KEYS[2], ARGV[i] .. '-0', 'text', ARGV[i + 1], 'mac', ARGV[i + 2])
  if type(added) == 'table' then
    local isOdd = string.find(added.err, 'ERR The ID', 1, true) or string.find(added.err, 'WRONGTYPE', 1, true)
    return isOdd and 0 or added
  end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
`;

/** KEYS: heads, log; ARGV: the checkpoint's field, the checkpoint that must stand, the one to set, the first seq kept. */
const DROP = `
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('XTRIM', KEYS[2], 'MINID', ARGV[4] .. '-0')
return 1
`;

const CHAINS: readonly number[] = Array.from({ length: AUDIT_CHAINS }, (_, i) => i + 1);

export function createRedisAuditStore(keyPrefix: string, begin: () => Ask): AuditStore {
  const heads = auditHeadsKey(keyPrefix);
  const log = (chain: number): string => auditLogKey(keyPrefix, chain);
  return {
    async auditHeads() {
      const reply = await begin()("HMGET", heads, ...CHAINS.flatMap((chain) => [chain, checkpointField(chain)]));
      if (!reply.ok) return reply;
      const fields = Array.isArray(reply.value) ? (reply.value as readonly unknown[]) : [];
      return ok(CHAINS.map((_, i) => headOf(fields[2 * i], fields[2 * i + 1])));
    },
    async appendAudit(chain, after, records) {
      const last = records.at(-1);
      if (last === undefined) return ok(false);
      const args = [chain, endOf(after), endOf(last), ...records.flatMap(({ seq, text, mac }) => [seq, text, mac])];
      const reply = await begin()("EVAL", APPEND, 2, heads, log(chain), ...args);
      return reply.ok ? ok(reply.value === 1) : reply;
    },
    async readAudit(chain, from, count) {
      const reply = await begin()("XRANGE", log(chain), `${from}-0`, `${from + count - 1}-0`);
      return reply.ok ? recordsOf(reply.value) : reply;
    },
    async dropAudit(chain, upTo, checkpoint, was) {
      const args = [checkpointField(chain), was, checkpoint, upTo + 1];
      const reply = await begin()("EVAL", DROP, 2, heads, log(chain), ...args);
      return reply.ok ? ok(reply.value === 1) : reply;
    },
    async keepAuditKey(candidate) {
      const ask = begin();
      const set = await ask("SET", auditKeyKey(keyPrefix), candidate, "NX");
      if (!set.ok) return set;
      const kept = await ask("GET", auditKeyKey(keyPrefix));
      if (!kept.ok) return kept;
      return typeof kept.value === "string" ? ok(kept.value) : unexpected();
    },
  };
}

function checkpointField(chain: number): string {
  return `${chain}:checkpoint`;
}

function endOf({ seq, mac }: Pick<AuditHead, "seq" | "mac">): string {
  return seq === 0 ? "" : `${seq} ${mac}`;
}

function headOf(end: unknown, checkpoint: unknown): AuditHead {
  const [seq = "0", mac = ""] = typeof end === "string" ? end.split(" ") : [];
  return { seq: Number(seq) || 0, mac, checkpoint: typeof checkpoint === "string" ? checkpoint : "" };
}

/** Of each entry its id, then names and values by turns. */
function recordsOf(reply: unknown): Result<readonly AuditRecord[], StoreFault> {
  if (!Array.isArray(reply)) return unexpected();
  return ok(
    (reply as readonly [string, readonly string[]][]).map(([id, [, text = "", , mac = ""]]) => ({
      seq: Number(id.split("-")[0]),
      text,
      mac,
    })),
  );
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the audit trail answered in an unknown shape"));
}
