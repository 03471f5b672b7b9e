// Reads the feed's log as events for people. It only reads, and keeps nothing; replicas have a reader of their own.

import { ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import type { EventLog, LoggedEvent, LogPage } from "../event-log.ts";
import { eventOf } from "../logged-event.ts";
import type { StoreFault } from "../store.ts";
import { entriesOfStream, type LogEntry } from "./feed-entries.ts";
import { readHead } from "./feed-log.ts";
import type { KeptEntry } from "./kept-feed.ts";
import type { Link } from "./link.ts";
import { targetOfKey } from "../marker-keys.ts";
import type { Ask } from "./operation.ts";
import { feedLogKey } from "./own-keys.ts";

export interface RedisEventLogOptions {
  readonly keyPrefix: string;
  /** Nobody else's: whoever waits for an entry holds it up. Started when it is first needed. */
  readonly waiting: Link;
  readonly begin: () => Ask;
}

/** Entries in one answer, of about 400 bytes. */
const MAX_ENTRIES = 200;

/** Of the answer itself, after the wait; and of a connection that is just being made. */
const ANSWER_TIMEOUT_MS = 1_000;

export function createRedisEventLog({ keyPrefix, waiting, begin }: RedisEventLogOptions): EventLog {
  const log = feedLogKey(keyPrefix);

  async function stands(ask: Ask): Promise<Result<LogPage, StoreFault>> {
    const reached = await readHead(ask, keyPrefix);
    return reached.ok ? ok({ reached: reached.value, entries: [] }) : reached;
  }

  async function entriesAfter(seq: number, waitMs: number, ask: Ask): Promise<Result<unknown, StoreFault>> {
    const from = ["STREAMS", log, `${seq}-0`];
    if (waitMs === 0) return ask("XREAD", "COUNT", MAX_ENTRIES, ...from);
    waiting.start();
    await waiting.whenOpen(ANSWER_TIMEOUT_MS);
    return waiting.send("XREAD", ["COUNT", MAX_ENTRIES, "BLOCK", waitMs, ...from], waitMs + ANSWER_TIMEOUT_MS);
  }

  return {
    async eventsAfter(seq, waitMs) {
      const ask = begin();
      if (seq === "end") return stands(ask);
      const reply = await entriesAfter(seq, waitMs, ask);
      if (!reply.ok) return reply;
      const found = entriesOfStream(reply.value);
      if (!found.ok) return found;
      const entries = eventsIn(keyPrefix, found.value);
      const last = entries.at(-1);
      return last === undefined ? stands(begin()) : ok({ reached: last, entries });
    },
  };
}

/** Up to the first that is damaged: who follows finds that what comes after it does not follow on. */
function eventsIn(keyPrefix: string, entries: readonly LogEntry[]): readonly LoggedEvent[] {
  const events: LoggedEvent[] = [];
  for (const entry of entries) {
    if (entry.op === "damaged") break;
    events.push(eventIn(keyPrefix, entry));
  }
  return events;
}

function eventIn(keyPrefix: string, entry: KeptEntry): LoggedEvent {
  const { epoch, seq, link, previousLink, op, key, name, value } = entry;
  const named = targetOfKey(keyPrefix, key) ?? { kind: "everything" };
  const event = eventOf(op === "put" ? "revoked" : "lifted", withName(named, name), value);
  return { epoch, seq, link, previousLink, event };
}

/** The key may hold but a hash of the name. */
function withName(target: Target, name: string): Target {
  return "id" in target && name !== "" ? { ...target, id: name } : target;
}
