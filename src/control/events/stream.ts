// One stream of events to one follower, from its first to its last: whoever is too slow, gone, or no longer allowed to
// read is cut, and everything held for it is let go.

import type { Clock } from "../../core/clock.ts";
import type { EncodedEvent } from "./encoded-event.ts";
import type { Follower } from "./hub.ts";

/** Why a stream ends on our side. */
export type EndCause = "stopping" | "refused" | "too slow";

/** The way to one follower. Nothing here throws; after its end all of it does nothing. */
export interface Outlet {
  /** Resolves once more may be written; false: that took too long. */
  send(events: readonly EncodedEvent[]): Promise<boolean>;
  /** Shows that the connection lives. */
  beat(): void;
  end(cause: EndCause): void;
  /** Calls `heard` when the other side is gone, once it is. */
  onGone(heard: () => void): void;
}

export interface StreamOptions {
  readonly follower: Follower;
  readonly outlet: Outlet;
  readonly clock: Clock;
  readonly judgeAgain: () => Promise<"good" | "refused" | "unknown">;
}

/** Proxies cut connections that are silent for 30 s and more. */
const BEAT_EVERY_MS = 10_000;

/** A revoked caller is refused within 2 s, and so is one of whom nothing can be told for so long. */
const JUDGE_EVERY_MS = 500;
const GOOD_FOR_MS = 1_800;

/** Resolves when the stream is over, with why; "stopping" where the follower went by itself, too. */
export async function runStream({ follower, outlet, clock, judgeAgain }: StreamOptions): Promise<EndCause> {
  let goodAtMs = clock.now().monotonicMs;
  let isJudging = false;
  let cause: EndCause = "stopping";

  function cut(why: EndCause): void {
    cause = why;
    follower.leave();
  }

  async function judge(): Promise<void> {
    const nowMs = clock.now().monotonicMs;
    if (nowMs - goodAtMs > GOOD_FOR_MS) return cut("refused");
    if (isJudging) return;
    isJudging = true;
    const judgement = await judgeAgain();
    isJudging = false;
    if (judgement === "good") goodAtMs = nowMs;
    if (judgement === "refused") cut("refused");
  }

  const beat = setInterval(() => outlet.beat(), BEAT_EVERY_MS);
  const judging = setInterval(() => void judge(), JUDGE_EVERY_MS);
  outlet.onGone(() => follower.leave());
  for (;;) {
    const events = await follower.next();
    if (events === "ended") break;
    if (!(await outlet.send(events))) cut("too slow");
  }
  clearInterval(beat);
  clearInterval(judging);
  follower.leave();
  outlet.end(cause);
  return cause;
}
