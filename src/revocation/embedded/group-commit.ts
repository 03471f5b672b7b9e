// Runs writes that come together in one transaction, for a commit costs as much for a hundred of them as for one. None is
// told as done before the commit that holds it, and none fails for another's fault. Other processes get their turn at the file.

import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import type { Statements } from "./schema.ts";

/** `now`: epoch milliseconds. May run more than once, of which the last counts. */
type Work<T> = (sql: Statements, now: number) => T;

/** One transaction, and it tells once it is committed. */
export type Transact = (work: Work<void>) => Promise<Result<void, StoreFault>>;

interface Waiting {
  run(sql: Statements, now: number): void;
  /** Undefined: its transaction was committed. */
  settle(fault: StoreFault | undefined): void;
}

/** Each write takes some 100 µs; this thread is held for no longer, and the rest takes the next transaction. */
const MAX_HOLD_MS = 10;

/**
 * Of the time that a transaction held the file it is left alone after it. Nobody queues for a SQLite file: who waits looks
 * every few milliseconds, and where a disk takes long for a commit, one that writes again at once would keep it for good.
 */
const LEFT_ALONE_SHARE = 0.2;
/** What a timer can tell apart. Below that a look finds the file free often enough without. */
const SHORTEST_PAUSE_MS = 1;

/** In the order in which they came. */
export function createGroupCommit(
  transact: Transact,
  clock: Clock,
): <T>(work: Work<T>) => Promise<Result<T, StoreFault>> {
  const waiting: Waiting[] = [];
  let isRunning = false;
  let leftAloneTillMs = 0;

  async function takeTurn(work: Work<void>): Promise<Result<void, StoreFault>> {
    const pauseMs = leftAloneTillMs - clock.now().monotonicMs;
    if (pauseMs >= SHORTEST_PAUSE_MS) await delay(pauseMs);
    let heldFromMs = Infinity;
    const outcome = await transact((sql, now) => {
      heldFromMs = clock.now().monotonicMs;
      work(sql, now);
    });
    const endedAtMs = clock.now().monotonicMs;
    leftAloneTillMs = endedAtMs + (endedAtMs - heldFromMs) * LEFT_ALONE_SHARE;
    return outcome;
  }

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) {
      await nextTurn(); // others of this turn come along
      await commitSome();
    }
    isRunning = false;
  }

  async function commitSome(): Promise<void> {
    const present = waiting.length;
    let count = 0;
    const outcome = await takeTurn((sql, now) => {
      count = 0;
      const untilMs = clock.now().monotonicMs + MAX_HOLD_MS;
      for (const one of waiting) {
        count += 1;
        one.run(sql, now);
        if (clock.now().monotonicMs >= untilMs) break;
      }
      purge(sql, now, count);
    });
    // Where the transaction did not even begin, it is the fault of all that waited for it.
    const group = waiting.splice(0, count === 0 ? present : count);
    if (outcome.ok || group.length === 1 || count === 0 || outcome.error.cause === "locked") {
      for (const one of group) one.settle(outcome.ok ? undefined : outcome.error);
    } else await commitEach(group);
  }

  /** One of them may be the only one to fail. */
  async function commitEach(group: readonly Waiting[]): Promise<void> {
    for (const one of group) {
      const outcome = await takeTurn((sql, now) => {
        one.run(sql, now);
        purge(sql, now, 1);
      });
      one.settle(outcome.ok ? undefined : outcome.error);
      await nextTurn();
    }
  }

  return <T>(work: Work<T>) =>
    new Promise<Result<T, StoreFault>>((resolve) => {
      let value: T;
      waiting.push({
        run(sql, now) {
          value = work(sql, now);
        },
        settle: (fault) => resolve(fault === undefined ? ok(value) : err(fault)),
      });
      if (!isRunning) void run();
    });
}

/** Rows past their expiry that one write clears away, of each table: more than it adds, and never a long wait. */
const PURGED_PER_WRITE = 50;

function purge(sql: Statements, now: number, writeCount: number): void {
  const most = writeCount * PURGED_PER_WRITE;
  sql.purgeMarkers.run({ now, most });
  sql.purgeSuperseded.run({ now, most });
  sql.purgeAnswers.run({ now, most });
}
