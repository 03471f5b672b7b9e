// Follows the log of a store that is in this process, or in a file beside it: once it tells of a change, no answer asked
// for before is used again. It learns nothing of what changed, so it stands for no look-up.

import type { Clock, Instant } from "../core/clock.ts";
import type { EventLog } from "./event-log.ts";
import type { Heeded } from "./fleet-board.ts";
import type { FeedHead } from "./replica/source.ts";

export interface News {
  /** Answers asked for before then may be older than what the store says; undefined: not a change was heard of. */
  readonly changedAt: Instant | undefined;
}

export interface NewsReader extends News {
  /** Up to which entry all is heard; undefined: the log was not read yet. */
  readonly heeded: Heeded | undefined;
  start(): void;
  stop(): void;
}

export interface NewsOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly onNews: () => void;
}

/** The store wakes whoever waits; this bounds what a stop waits for. */
const WAIT_MS = 400;
const RETRY_AFTER_MS = 250;

export function createNewsReader({ log, clock, onNews }: NewsOptions): NewsReader {
  let reached: FeedHead | undefined;
  let changedAt: Instant | undefined;
  let isStopped = false;
  let pause: NodeJS.Timeout | undefined;

  async function read(): Promise<void> {
    const page = await log.eventsAfter(reached?.seq ?? "end", WAIT_MS);
    if (isStopped) return;
    if (!page.ok) {
      pause = setTimeout(() => void read(), RETRY_AFTER_MS);
      return;
    }
    const before = reached;
    if (before === undefined || before.seq !== page.value.reached.seq || before.link !== page.value.reached.link) {
      changedAt = clock.now(); // before it counts as heard
      reached = page.value.reached;
      onNews();
    }
    void read();
  }

  return {
    get changedAt() {
      return changedAt;
    },
    get heeded() {
      return reached;
    },
    start: () => void read(),
    stop() {
      isStopped = true;
      clearTimeout(pause);
    },
  };
}
