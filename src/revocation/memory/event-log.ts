// The log of a store in this process's memory: gone with it. It never fails.

import { randomUUID } from "node:crypto";
import { ok } from "../../core/result.ts";
import type { EventLog, LoggedEvent, RevocationEvent } from "../event-log.ts";
import type { FeedHead } from "../replica/source.ts";

export interface MemoryEventLog extends EventLog {
  /** Of the entry that is appended next. */
  readonly nextSeq: number;
  append(event: RevocationEvent): void;
  /** Ends every wait. */
  stop(): void;
}

/** Some 4 MB; a quarter is forgotten at a time. */
const MAX_ENTRIES = 8_192;

const MAX_PAGE = 200;

export function createMemoryEventLog(): MemoryEventLog {
  const epoch = randomUUID();
  const waiting = new Set<() => void>();
  let entries: LoggedEvent[] = [];
  let head: FeedHead = { epoch: "", seq: 0, link: "" };

  function wake(): void {
    for (const wakeOne of waiting) wakeOne();
  }

  function whenAppended(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      waiting.add(done);
    });
  }

  return {
    get nextSeq() {
      return head.seq + 1;
    },
    append(event) {
      const entry = { epoch, seq: head.seq + 1, link: randomUUID(), previousLink: head.link, event };
      entries.push(entry);
      head = { epoch, seq: entry.seq, link: entry.link };
      if (entries.length > MAX_ENTRIES) entries = entries.slice(MAX_ENTRIES / 4);
      wake();
    },
    stop: wake,
    async eventsAfter(seq, waitMs) {
      if (seq === "end") return ok({ reached: head, entries: [] });
      if (seq >= head.seq && waitMs > 0) await whenAppended(waitMs);
      const first = entries.findIndex((entry) => entry.seq > seq);
      const found = first === -1 ? [] : entries.slice(first, first + MAX_PAGE);
      return ok({ reached: found.at(-1) ?? head, entries: found });
    },
  };
}
