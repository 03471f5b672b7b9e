// The log in the SQLite file, written in the transaction of the change itself. Other processes on the file write to it
// too, so whoever waits looks again and again.

import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Result } from "../../core/result.ts";
import type { LoggedEvent, LogPage, RevocationEvent } from "../event-log.ts";
import type { FeedHead } from "../replica/source.ts";
import type { StoreFault } from "../store.ts";
import type { Statements } from "./schema.ts";

/** Some 20 MB of file. */
const MAX_ENTRIES = 65_536;

const MAX_PAGE = 200;

/** Between two looks, of some 20 µs. */
const LOOK_EVERY_MS = 10;

/** An entry that an older version wrote does not tell. */
const NO_REVOKER: Pick<RevocationEvent, "by"> = { by: "" };

/** Appends the entry of a seq that this very transaction has taken. */
export function appendEvent(sql: Statements, seq: number, event: RevocationEvent): void {
  const { link: previousLink } = headOf(sql);
  const link = randomUUID();
  sql.putEvent.run({ seq, link, previousLink, event: JSON.stringify(event) });
  sql.setLink.run({ link });
  sql.purgeEvents.run({ upTo: seq - MAX_ENTRIES });
}

/** See EventLog; `read` runs its work on the open file. */
export async function eventsAfter(
  read: (work: (sql: Statements) => LogPage) => Promise<Result<LogPage, StoreFault>>,
  seq: number | "end",
  waitMs: number,
): Promise<Result<LogPage, StoreFault>> {
  for (let waitedMs = 0; ; waitedMs += LOOK_EVERY_MS) {
    const page = await read((sql) => pageAfter(sql, seq));
    if (!page.ok || seq === "end" || waitedMs >= waitMs) return page;
    if (page.value.entries.length > 0 || page.value.reached.seq !== seq) return page;
    await delay(LOOK_EVERY_MS);
  }
}

function pageAfter(sql: Statements, seq: number | "end"): LogPage {
  const head = headOf(sql);
  if (seq === "end") return { reached: head, entries: [] };
  const entries = sql.events.all({ seq, limit: MAX_PAGE }).map((row): LoggedEvent => ({
    epoch: head.epoch,
    seq: Number(row["seq"]),
    link: String(row["link"]),
    previousLink: String(row["previous_link"]),
    event: { ...NO_REVOKER, ...(JSON.parse(String(row["event"])) as RevocationEvent) },
  }));
  return { reached: entries.at(-1) ?? head, entries };
}

function headOf(sql: Statements): FeedHead {
  const row = sql.head.get() ?? {};
  return { epoch: String(row["epoch"]), seq: Number(row["last_seq"]), link: String(row["link"]) };
}
