// Reads the feed's log as events for people. It only reads, and keeps nothing; replicas have a reader of their own.

import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import type { EventLog, LoggedEvent, LogPage } from "../event-log.ts";
import { eventOf } from "../logged-event.ts";
import type { FeedHead } from "../replica/source.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { Link } from "./link.ts";
import { targetOfKey } from "./marker-keys.ts";
import type { Ask } from "./operation.ts";
import { feedHeadKey, feedLogKey } from "./own-keys.ts";

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
    const reply = await ask("HMGET", feedHeadKey(keyPrefix), "epoch", "seq", "link");
    if (!reply.ok) return reply;
    const reached = Array.isArray(reply.value) ? headOf(reply.value) : undefined;
    return reached === undefined ? unexpected() : ok({ reached, entries: [] });
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
      if (reply.value === null) return stands(begin());
      const entries = entriesOf(keyPrefix, reply.value);
      const last = entries?.at(-1);
      return entries === undefined || last === undefined ? unexpected() : ok({ reached: last, entries });
    },
  };
}

function headOf([epoch, seq, link]: readonly unknown[]): FeedHead {
  const isThere = typeof epoch === "string" && typeof seq === "string" && typeof link === "string";
  return isThere ? { epoch, seq: Number(seq), link } : { epoch: "", seq: 0, link: "" };
}

/** One stream, of which each entry is an id with names and values by turns. */
function entriesOf(keyPrefix: string, reply: unknown): readonly LoggedEvent[] | undefined {
  const entries = (reply as [[string, [string, string[]][]]])[0]?.[1];
  return entries?.map(([id, fields]) => entryOf(keyPrefix, Number(id.split("-")[0]), fields));
}

function entryOf(keyPrefix: string, seq: number, fields: readonly string[]): LoggedEvent {
  const told = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) told.set(fields[i] as string, fields[i + 1] as string);
  const tell = (name: string): string => told.get(name) ?? "";
  const key = tell("key");
  const named = targetOfKey(keyPrefix, key) ?? { kind: "everything" };
  const event = eventOf(tell("op") === "put" ? "revoked" : "lifted", withName(named, tell("name")), tell("value"));
  return { epoch: tell("epoch"), seq, link: tell("link"), previousLink: tell("prev"), event };
}

/** The key may hold but a hash of the name. */
function withName(target: Target, name: string): Target {
  return "id" in target && name !== "" ? { ...target, id: name } : target;
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the log answered in an unknown shape"));
}
