// Keeps the trail within its bounds, of age and of number: what is past them is dropped from a chain's beginning, and a
// signed checkpoint stands in its place. Any control plane may do it to any chain, dead ones' included.

import { ok, type Result } from "../../core/result.ts";
import type { AuditHead, AuditStore } from "../../revocation/audit-store.ts";
import type { StoreFault } from "../../revocation/store.ts";
import { CHAIN_START, readCheckpoint, writeCheckpoint, type AuditKey } from "./chain.ts";
import { readEntry } from "./entry.ts";

export interface Retention {
  readonly maxEntries: number;
  readonly keepMs: number;
}

/** One step of dropping: Redis stands still for less than a millisecond. */
const DROPPED_TOGETHER = 500;
/** Of one call, so that it ends; the next goes on. */
const MAX_STEPS = 1_000;

/** Drops what is past the bounds. A chain whose checkpoint is not to be trusted is left as it is, for people to see. */
export async function dropOld(
  store: AuditStore,
  key: AuditKey,
  { maxEntries, keepMs }: Retention,
  nowMs: number,
): Promise<Result<void, StoreFault>> {
  const heads = await store.auditHeads();
  if (!heads.ok) return heads;
  let excess = heads.value.reduce((sum, head, i) => sum + (keptOf(key, i + 1, head) ?? 0), 0) - maxEntries;
  const longestFirst = [...heads.value.entries()].toSorted(
    ([i, a], [j, b]) => (keptOf(key, j + 1, b) ?? 0) - (keptOf(key, i + 1, a) ?? 0),
  );
  let steps = 0;
  for (const [i, head] of longestFirst) {
    let left: AuditHead | undefined = head;
    while (left !== undefined && steps < MAX_STEPS) {
      steps += 1;
      const step = await dropSome(store, key, i + 1, left, { excess, olderThanMs: nowMs - keepMs, nowMs });
      if (!step.ok) return step;
      excess -= step.value?.dropped ?? 0;
      left = step.value?.head;
    }
  }
  return ok(undefined);
}

/** How many records a chain has; undefined where its checkpoint is not to be trusted. */
function keptOf(key: AuditKey, chain: number, head: AuditHead): number | undefined {
  const start = startOf(key, chain, head);
  return start === undefined ? undefined : head.seq - start.seq;
}

function startOf(key: AuditKey, chain: number, { checkpoint }: AuditHead): { readonly seq: number } | undefined {
  return checkpoint === "" ? CHAIN_START : readCheckpoint(key, chain, checkpoint);
}

interface Bounds {
  readonly excess: number;
  readonly olderThanMs: number;
  readonly nowMs: number;
}

interface Dropped {
  readonly dropped: number;
  readonly head: AuditHead;
}

/** Undefined: there was nothing to drop, or another control plane is at it. The last record of a chain is kept. */
async function dropSome(
  store: AuditStore,
  key: AuditKey,
  chain: number,
  head: AuditHead,
  { excess, olderThanMs, nowMs }: Bounds,
): Promise<Result<Dropped | undefined, StoreFault>> {
  const start = startOf(key, chain, head);
  if (start === undefined || start.seq >= head.seq - 1) return ok(undefined);
  const page = await store.readAudit(chain, start.seq + 1, Math.min(DROPPED_TOGETHER, head.seq - 1 - start.seq));
  if (!page.ok) return page;
  const isOld = (text: string): boolean => (readEntry(text)?.at ?? Infinity) < olderThanMs;
  const firstKept = page.value.findIndex(({ text }, n) => n >= excess && !isOld(text));
  const last = page.value.at(firstKept === -1 ? -1 : firstKept - 1);
  if (firstKept === 0 || last === undefined) return ok(undefined);
  const checkpoint = writeCheckpoint(key, chain, { seq: last.seq, mac: last.mac, atMs: nowMs });
  const done = await store.dropAudit(chain, last.seq, checkpoint, head.checkpoint);
  if (!done.ok) return done;
  return ok(done.value ? { dropped: last.seq - start.seq, head: { ...head, checkpoint } } : undefined);
}
