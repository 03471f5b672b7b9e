// Writes entries of the feed again that a store has lost. Doing it twice, or from two control planes at once, does no
// harm.

import { ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import { markerFacts } from "../marker-facts.ts";
import { revocationOf } from "../marker.ts";
import type { StoredRevocation, StoreFault } from "../store.ts";
import type { KeptEntry } from "./kept-feed.ts";
import { targetOfKey } from "../marker-keys.ts";
import { readHead, readLog } from "./feed-log.ts";
import { changesTogether } from "./markers.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";
import { REPLAY_ENTRY } from "./scripts.ts";
import { liftRevocation, putRevocation, writeIndex } from "./writer.ts";

/** How many were written. */
type Replayed = Promise<Result<number, StoreFault>>;

/**
 * As they were, each with its seq and link, right after the store's head. Ends early where the head is not the one before
 * the entry: somebody else wrote, and what is still missing is to be found out anew.
 */
export async function replayVerbatim(begin: () => Ask, keyPrefix: string, entries: readonly KeptEntry[]): Replayed {
  let count = 0;
  for (const entry of entries) {
    const ask = begin();
    const { key, epoch, seq, link, previousLink, op, value, till, name, wait } = entry;
    const revocation = revocationIn(keyPrefix, entry);
    if (op === "put" && revocation !== undefined) {
      const indexed = await writeIndex(ask, keyPrefix, key, revocation);
      if (!indexed.ok) return indexed;
    }
    const keys = [3, key, feedHeadKey(keyPrefix), feedLogKey(keyPrefix)];
    const reply = await ask("EVAL", REPLAY_ENTRY, ...keys, epoch, seq, link, previousLink, op, value, till, name, wait);
    if (!reply.ok) return reply;
    if (reply.value !== 1) return ok(count);
    count += 1;
  }
  return ok(count);
}

/**
 * As new entries after what others have written since `afterSeq`, up to which the store has kept the feed: put so that they
 * strengthen, lifted where they still stand. What others have put again is theirs: it may have been lifted since. For the
 * same reason nothing is put once anybody else has written (FEED_WENT_ON): what is still missing is to be found out anew.
 */
export async function replayAgain(
  begin: () => Ask,
  keyPrefix: string,
  entries: readonly KeptEntry[],
  afterSeq: number,
): Replayed {
  const head = await readHead(begin(), keyPrefix);
  if (!head.ok) return head;
  // A page an operation: the log may be long.
  const ask: Ask = (command, ...args) => begin()(command, ...args);
  const since = await readLog(ask, keyPrefix, afterSeq + 1, ({ value }) => markerFacts(value).id);
  if (!since.ok) return since;
  const toldAgain = new Set(since.value.values());
  const changes = changesTogether({ link: head.value.link });
  let count = 0;
  // Lifts last: they may move the feed on under the puts.
  for (const entry of entries.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    const revocation = revocationIn(keyPrefix, entry);
    if (revocation === undefined || (entry.op === "put" && toldAgain.has(revocation.id))) continue;
    const done =
      entry.op === "put"
        ? await putRevocation(begin(), changes, keyPrefix, revocation)
        : await liftRevocation(begin(), changes, keyPrefix, revocation.id, revocation.atMs);
    if (done.ok) count += 1;
    // Gone, or another in its place: there is nothing left to lift.
    else if ("detail" in done.error) return { ok: false, error: done.error };
  }
  return ok(count);
}

function rankOf({ op }: KeptEntry): number {
  return op === "put" ? 0 : 1;
}

/** Undefined where the entry is none of ours. */
function revocationIn(keyPrefix: string, { key, value, till, name }: KeptEntry): StoredRevocation | undefined {
  const { id } = markerFacts(value);
  const named = targetOfKey(keyPrefix, key);
  if (id === undefined || named === undefined) return undefined;
  const target: Target = "id" in named && name !== "" ? { ...named, id: name } : named;
  return revocationOf(id, target, value, till === "" ? undefined : Number(till));
}
