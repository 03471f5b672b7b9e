// Asks the store while nobody else does, so that "when did it last answer" is known at the start, through idle hours and
// at an outage's end. It is a complete look-up like any other, never a PING; after a failure it is the failed question
// again, for a store that answers other questions only must not keep a grace alive.

import { ageMs, type Clock } from "../core/clock.ts";
import type { Schedule } from "../resilience/schedule.ts";
import type { Batcher } from "./batcher.ts";

/** Recovery without traffic, and the error of a grace counted from the last answer, stay within about this. */
const HEARTBEAT_MS = 1_000;

/** How often it is seen whether the last answer has become that old. */
const LOOK_EVERY_MS = 250;

export interface HeartbeatOptions {
  readonly lookUp: Pick<Batcher, "lookUp" | "lastAnswerAt" | "unansweredKeys">;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Any key whose shard is worth knowing about: the global watermark's. */
  readonly key: string;
  /** Of one look-up. */
  readonly timeoutMs: number;
}

/** Begins at once; the function returned ends it. */
export function startHeartbeat({ lookUp, clock, schedule, key, timeoutMs }: HeartbeatOptions): () => void {
  const keys = [key];
  let waiting = false;

  function beat(): void {
    const now = clock.now();
    const lastAnswerAt = lookUp.lastAnswerAt();
    if (waiting || (lastAnswerAt !== undefined && ageMs(lastAnswerAt, now) < HEARTBEAT_MS)) return;
    waiting = true;
    lookUp.lookUp(lookUp.unansweredKeys() ?? keys, now.monotonicMs + timeoutMs, undefined, () => {
      waiting = false;
    });
  }

  beat();
  return schedule.every(LOOK_EVERY_MS, beat);
}
