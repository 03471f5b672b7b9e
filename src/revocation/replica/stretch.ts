// One unbroken stretch of the feed, and what may follow on it. Pure; a resync begins another.

import type { Instant } from "../../core/clock.ts";
import type { FeedEntry, FeedHead } from "./source.ts";

export interface Stretch {
  readonly beganAt: Instant;
  applied: FeedHead;
  /** Of the newest head heard: entries up to it exist. */
  heardSeq: number;
  /** A head that is not reached yet, and when it was asked for. */
  awaited: { readonly askedAt: Instant; readonly seq: number } | undefined;
}

/** Whether a head heard may follow one that was reached before it was asked for. */
export function goesOnFrom(head: FeedHead, before: FeedHead): boolean {
  if (head.epoch !== before.epoch || head.seq < before.seq) return false;
  return head.seq > before.seq || head.link === before.link;
}

/** Whether nothing was told between the head `applied` and the entry. */
export function isNext(entry: Pick<FeedEntry, keyof FeedHead | "previousLink">, applied: FeedHead): boolean {
  const { epoch, seq, link } = applied;
  return entry.epoch === epoch && entry.seq === seq + 1 && entry.previousLink === link;
}
