// Reads the feed's head and its log, entry by entry as they stand there. It keeps nothing.

import { ok, type Result } from "../../core/result.ts";
import type { FeedHead } from "../replica/source.ts";
import type { StoreFault } from "../store.ts";
import type { KeptEntry } from "./kept-feed.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";

const MAX_ENTRIES = 500;

export async function readHead(ask: Ask, keyPrefix: string): Promise<Result<FeedHead, StoreFault>> {
  const reply = await ask("HMGET", feedHeadKey(keyPrefix), "epoch", "seq", "link");
  if (!reply.ok) return reply;
  const [epoch, seq, link] = reply.value as readonly unknown[];
  const isThere = typeof epoch === "string" && typeof seq === "string" && typeof link === "string";
  return ok(isThere ? { epoch, seq: Number(seq), link } : { epoch: "", seq: 0, link: "" });
}

/** Some of the entries after `seq`; waits for one for `waitMs`, and is empty then. */
export async function readEntries(
  ask: Ask,
  keyPrefix: string,
  seq: number,
  waitMs: number,
): Promise<Result<readonly KeptEntry[], StoreFault>> {
  const from = ["STREAMS", feedLogKey(keyPrefix), `${seq}-0`];
  const reply = await ask("XREAD", "COUNT", MAX_ENTRIES, "BLOCK", waitMs, ...from);
  if (!reply.ok) return reply;
  const [stream] = (reply.value ?? []) as [[string, [string, string[]][]]?];
  return ok((stream?.[1] ?? []).map(([id, fields]) => entryOf(id, fields)));
}

/** The links of all entries from `seq` on, by their seqs. */
export async function readLinks(
  ask: Ask,
  keyPrefix: string,
  seq: number,
): Promise<Result<ReadonlyMap<number, string>, StoreFault>> {
  const links = new Map<number, string>();
  for (let next = seq; ;) {
    const reply = await ask("XRANGE", feedLogKey(keyPrefix), `${next}-0`, "+", "COUNT", MAX_ENTRIES);
    if (!reply.ok) return reply;
    const found = reply.value as readonly [string, string[]][];
    for (const [id, fields] of found) {
      const entry = entryOf(id, fields);
      links.set(entry.seq, entry.link);
      next = entry.seq + 1;
    }
    if (found.length < MAX_ENTRIES) return ok(links);
  }
}

/** Names and values by turns. */
function entryOf(id: string, fields: readonly string[]): KeptEntry {
  const told = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) told.set(fields[i] as string, fields[i + 1] as string);
  const tell = (name: string): string => told.get(name) ?? "";
  return {
    epoch: tell("epoch"),
    seq: Number(id.split("-")[0]),
    link: tell("link"),
    previousLink: tell("prev"),
    op: tell("op") === "put" ? "put" : "lift",
    key: tell("key"),
    value: tell("value"),
    till: tell("till"),
    name: tell("name"),
    wait: tell("wait"),
  };
}
