// Walks over every marker of the store once. What stood from its begin to its end has been read; else it says that it
// failed, and nothing can be told from it.

import type { Moment, ReplicaSource } from "./source.ts";

export interface WalkOptions {
  readonly source: ReplicaSource;
  /** undefined: it failed, or nobody wants the walk any more. */
  readonly read: (keys: readonly string[]) => Promise<Moment | undefined>;
  /** After each step. */
  readonly pause: () => Promise<void>;
}

export interface Walked {
  /** Markers' keys that are no strings. */
  readonly wrongTypeCount: number;
}

/** Keys read in one moment: about 1 ms of Redis' time, and of ours. */
const KEYS_PER_READING = 500;

export async function walkMarkers({ source, read, pause }: WalkOptions): Promise<Walked | undefined> {
  let connection: number | undefined;
  let wrongTypeCount = 0;
  let cursor = "0";
  do {
    const step = await source.scan(cursor);
    if (!step.ok) return undefined;
    connection ??= step.value.connection;
    if (step.value.connection !== connection) return undefined;
    for (let i = 0; i < step.value.keys.length; i += KEYS_PER_READING) {
      const moment = await read(step.value.keys.slice(i, i + KEYS_PER_READING));
      if (moment === undefined) return undefined;
      wrongTypeCount += moment.markers.filter((marker) => marker === "of another type").length;
    }
    await pause();
    cursor = step.value.next;
  } while (cursor !== "0");
  return { wrongTypeCount };
}
