// Walks over every marker of the store once. What stood from its begin to its end has been read; else it says that it
// failed, and nothing can be told from it.

import type { Clock } from "../../core/clock.ts";
import type { Moment, ReplicaSource } from "./source.ts";

export interface WalkOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly read: (keys: readonly string[]) => Promise<Moment | undefined>;
  /** false: nobody wants the walk any more. */
  readonly isWanted: () => boolean;
  /** Between two steps. `tookMs`: the store's quickest answer of the one just done; Infinity: it had none. */
  readonly pause: (tookMs: number) => Promise<void>;
}

/** Keys read in one moment: less than 1 ms of Redis' time, and of ours. */
export const KEYS_PER_READING = 250;

export async function walkMarkers(options: WalkOptions): Promise<boolean> {
  const { source, clock, isWanted, pause } = options;
  let connection: number | undefined;
  let cursor = "0";
  for (;;) {
    const askedAtMs = clock.now().monotonicMs;
    const step = await source.scan(cursor);
    const scannedMs = clock.now().monotonicMs - askedAtMs;
    if (!isWanted()) return false;
    // A step without an answer is asked for again: its cursor is good as long as the connection is.
    let tookMs = Infinity;
    if (step.ok) {
      connection ??= step.value.connection;
      if (step.value.connection !== connection) return false;
      const readMs = await readAll(options, step.value.keys);
      if (readMs === undefined) return false;
      cursor = step.value.next;
      if (cursor === "0") return isWanted();
      // The quickest: a store with a queue answers each late, and a busy turn of this process only one.
      tookMs = Math.min(readMs, scannedMs);
    }
    await pause(tookMs);
    if (!isWanted()) return false;
  }
}

/** How long the quickest reading took; undefined: one failed. */
async function readAll({ clock, read }: WalkOptions, keys: readonly string[]): Promise<number | undefined> {
  let quickestMs = Infinity;
  for (let i = 0; i < keys.length; i += KEYS_PER_READING) {
    const askedAtMs = clock.now().monotonicMs;
    if ((await read(keys.slice(i, i + KEYS_PER_READING))) === undefined) return undefined;
    quickestMs = Math.min(quickestMs, clock.now().monotonicMs - askedAtMs);
  }
  return quickestMs;
}
