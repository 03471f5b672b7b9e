// What a relay and a sidecar say to each other, and how it is written: what there is much of in frames of 32-bit words,
// little-endian as every machine that runs this keeps them; the rest as JSON. It trusts no shape it has not looked at.

import type { Heeded } from "../fleet-board.ts";
import { RECORD_WORDS } from "../replica/record.ts";

/** The first that a relay says. */
export interface Hello {
  readonly type: "hello";
  /** Of one process and its tables: another tells nothing that goes on from this one's. */
  readonly relay: string;
  readonly salt: string;
  readonly key_prefix: string;
  /** The number of the next frame that is numbered. */
  readonly next: number;
  /** It goes on from where the sidecar was; else a snapshot comes first, in parts. */
  readonly resumed: boolean;
}

/** All parts of the snapshot were told. */
export interface Whole {
  readonly type: "whole";
}

/** Numbered: up to where the feed is heeded once all frames before it are applied. Somebody waits to hear of it. */
export interface Reached {
  readonly type: "reached";
  readonly number: number;
  readonly heeded: Heeded | null;
}

/** The answer to a question: everything that it speaks of was told before it. */
export interface Told {
  readonly type: "told";
  readonly ask: number;
  /** How much older than the moment the question came is what the relay knows; null: it has no position yet. */
  readonly age_ms: number | null;
  /** Of the store's clock, in whole seconds. */
  readonly store_now_s: number;
  readonly heeded: Heeded | null;
  readonly seq: number;
  readonly pushed: boolean;
  /** What keeps the relay from knowing of now, for people. */
  readonly why: string | null;
}

export type Message = Hello | Whole | Reached | Told;

/** A sidecar's question. */
export interface Ask {
  readonly ask: number;
}

/** Frames of words: changes are numbered, parts of a snapshot are not. */
export type Frame =
  | { readonly type: "changes"; readonly number: number; readonly records: Int32Array }
  | { readonly type: "part"; readonly records: Int32Array };

const CHANGES = 1;
const PART = 2;
/** What it is, and its number. */
const HEADER_WORDS = 2;

export function frameOf(frame: Frame): Buffer {
  const words = new Int32Array(HEADER_WORDS + frame.records.length);
  words[0] = frame.type === "changes" ? CHANGES : PART;
  words[1] = frame.type === "changes" ? frame.number : 0;
  words.set(frame.records, HEADER_WORDS);
  return Buffer.from(words.buffer);
}

/** undefined: it is none. */
export function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length % 4 !== 0 || bytes.length < HEADER_WORDS * 4) return undefined;
  // Copied: they may begin anywhere.
  const words = new Int32Array(new Uint8Array(bytes).buffer);
  const records = words.subarray(HEADER_WORDS);
  if (records.length % RECORD_WORDS !== 0) return undefined;
  if (words[0] === PART) return { type: "part", records };
  return words[0] === CHANGES ? { type: "changes", number: words[1] as number, records } : undefined;
}

/** undefined: it is none. */
export function readMessage(text: string): Message | undefined {
  const told = membersOf(text);
  switch (told["type"]) {
    case "hello":
      return hasTypes(told, {
        relay: "string",
        salt: "string",
        key_prefix: "string",
        next: "number",
        resumed: "boolean",
      })
        ? (told as unknown as Hello)
        : undefined;
    case "whole":
      return { type: "whole" };
    case "reached":
      return hasTypes(told, { number: "number" }) && isHeeded(told["heeded"])
        ? (told as unknown as Reached)
        : undefined;
    case "told":
      return isTold(told) ? (told as unknown as Told) : undefined;
    default:
      return undefined;
  }
}

/** undefined: it is none. */
export function readAsk(text: string): Ask | undefined {
  const { ask } = membersOf(text);
  return typeof ask === "number" && Number.isSafeInteger(ask) ? { ask } : undefined;
}

type Members = Readonly<Record<string, unknown>>;

function isTold(told: Members): boolean {
  const { age_ms: age, why } = told;
  return (
    hasTypes(told, { ask: "number", store_now_s: "number", seq: "number", pushed: "boolean" }) &&
    isHeeded(told["heeded"]) &&
    // A negative age would make it younger than the question.
    (age === null || (typeof age === "number" && age >= 0)) &&
    (why === null || typeof why === "string")
  );
}

function isHeeded(value: unknown): boolean {
  return (
    value === null || (typeof value === "object" && hasTypes(value as Members, { epoch: "string", seq: "number" }))
  );
}

function hasTypes(members: Members, types: Readonly<Record<string, "string" | "number" | "boolean">>): boolean {
  return Object.entries(types).every(([name, type]) => typeof members[name] === type);
}

function membersOf(text: string): Members {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Members) : {};
  } catch {
    return {};
  }
}
