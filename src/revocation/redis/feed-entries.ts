// Reads what XREAD and XRANGE answer of the feed's log, strictly: an entry that is not whole says nothing, least of all
// that something was lifted. It asks nobody, and never throws whatever the reply is.

import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";
import type { KeptEntry } from "./kept-feed.ts";

/** Not as the writing script makes one: something was told here, and nobody can say what. */
export interface DamagedEntry {
  readonly op: "damaged";
  readonly seq: number;
}

export type LogEntry = KeptEntry | DamagedEntry;

const ID = /^(\d{1,16})-\d+$/;

const ANYTHING = /^/;
const SOMETHING = /^./s;

/** What every entry has. */
const FORMS: readonly (readonly [name: string, form: RegExp])[] = [
  ["epoch", SOMETHING],
  ["link", SOMETHING],
  ["prev", ANYTHING],
  ["op", /^(?:put|lift)$/],
  ["key", SOMETHING],
  ["value", ANYTHING],
  ["till", /^\d{0,16}$/],
];

/** Of the one stream that was asked for; nil is nothing new. */
export function entriesOfStream(reply: unknown): Result<readonly LogEntry[], StoreFault> {
  if (reply === null) return ok([]);
  const [stream, ...others] = listOf(reply) ?? [];
  const [name, entries, ...more] = listOf(stream) ?? [];
  if (typeof name !== "string" || others.length > 0 || more.length > 0) return unexpected();
  return entriesOf(entries);
}

/** A list of entries, each an id with names and values by turns. */
export function entriesOf(reply: unknown): Result<readonly LogEntry[], StoreFault> {
  const entries: LogEntry[] = [];
  const found = listOf(reply);
  if (found === undefined) return unexpected();
  for (const one of found) {
    const entry = entryOf(listOf(one) ?? []);
    if (entry === undefined) return unexpected();
    entries.push(entry);
  }
  return ok(entries);
}

/** Undefined: no Redis answers so. */
function entryOf([id, fields, ...more]: readonly unknown[]): LogEntry | undefined {
  const seq = typeof id === "string" ? ID.exec(id)?.[1] : undefined;
  const told = textsOf(fields);
  if (seq === undefined || told === undefined || more.length > 0) return undefined;
  return keptEntry(Number(seq), told) ?? { op: "damaged", seq: Number(seq) };
}

function keptEntry(seq: number, told: readonly string[]): KeptEntry | undefined {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < told.length; i += 2) values.set(told[i] as string, told[i + 1] as string);
  if (values.size * 2 !== told.length) return undefined; // one name twice is two meanings
  for (const [name, form] of FORMS) {
    const text = values.get(name);
    if (text === undefined || !form.test(text)) return undefined;
  }
  const tell = (name: string): string => values.get(name) ?? "";
  return {
    epoch: tell("epoch"),
    seq,
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

function listOf(value: unknown): readonly unknown[] | undefined {
  return Array.isArray(value) ? (value as readonly unknown[]) : undefined;
}

function textsOf(value: unknown): readonly string[] | undefined {
  const list = listOf(value);
  return list?.every((one) => typeof one === "string") === true ? list : undefined;
}

function unexpected(): { readonly ok: false; readonly error: StoreFault } {
  return err(fault("protocol", "the log answered in an unknown shape"));
}
