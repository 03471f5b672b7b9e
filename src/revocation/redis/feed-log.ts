// Reads the feed's head and its log, entry by entry as they stand there. It keeps nothing.

import { err, ok, type Result } from "../../core/result.ts";
import type { FeedHead } from "../replica/source.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import { entriesOf, entriesOfStream, type LogEntry } from "./feed-entries.ts";
import type { KeptEntry } from "./kept-feed.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";

const MAX_ENTRIES = 500;

const NO_HEAD: FeedHead = { epoch: "", seq: 0, link: "" };

/** What the writing script can count on from. */
const SEQ = /^\d{1,15}$/;

export async function readHead(ask: Ask, keyPrefix: string): Promise<Result<FeedHead, StoreFault>> {
  const reply = await ask("HMGET", feedHeadKey(keyPrefix), "epoch", "seq", "link");
  return reply.ok ? headOf(reply.value) : reply;
}

/** Of epoch, seq and link; where one of them is not there, nothing was told yet. */
export function headOf(reply: unknown): Result<FeedHead, StoreFault> {
  const told: readonly unknown[] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (told.length !== 3 || !told.every((one) => one === null || typeof one === "string")) return unexpected();
  const [epoch, seq, link] = told;
  if (typeof epoch !== "string" || typeof seq !== "string" || typeof link !== "string") return ok(NO_HEAD);
  // Of an epoch without a name nothing could be told from no feed at all.
  if (epoch === "" || !SEQ.test(seq)) return unexpected();
  return ok({ epoch, seq: Number(seq), link });
}

/** Some of the entries after `seq`; waits for one for `waitMs`, and is empty then. */
export async function readEntries(
  ask: Ask,
  keyPrefix: string,
  seq: number,
  waitMs: number,
): Promise<Result<readonly LogEntry[], StoreFault>> {
  const from = ["STREAMS", feedLogKey(keyPrefix), `${seq}-0`];
  const reply = await ask("XREAD", "COUNT", MAX_ENTRIES, "BLOCK", waitMs, ...from);
  return reply.ok ? entriesOfStream(reply.value) : reply;
}

/** What is wanted of all entries from `seq` on, by their seqs; of a damaged one there is nothing. */
export async function readLog<T>(
  ask: Ask,
  keyPrefix: string,
  seq: number,
  pick: (entry: KeptEntry) => T,
): Promise<Result<ReadonlyMap<number, T>, StoreFault>> {
  const picked = new Map<number, T>();
  for (let next = seq; ;) {
    const reply = await ask("XRANGE", feedLogKey(keyPrefix), `${next}-0`, "+", "COUNT", MAX_ENTRIES);
    const found = reply.ok ? entriesOf(reply.value) : reply;
    if (!found.ok) return found;
    for (const entry of found.value) {
      if (entry.seq < next) return unexpected(); // it would be asked for again for ever
      if (entry.op !== "damaged") picked.set(entry.seq, pick(entry));
      next = entry.seq + 1;
    }
    if (found.value.length < MAX_ENTRIES) return ok(picked);
  }
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the feed answered in an unknown shape"));
}
