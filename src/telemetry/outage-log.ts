// Says in the operational log that the store is out, that it is back, and that calls pass meanwhile. A
// store that comes and goes at every batch gets no more than a line or two a second; nothing is dropped uncounted.

import type { Clock } from "../core/clock.ts";
import type { UnknownCause } from "../core/evidence.ts";
import type { Log } from "../core/log.ts";
import type { BreakerStateName, Observer } from "../core/observer.ts";

export interface OutageLog extends Pick<Observer, "storeFailed" | "storeUp" | "breakerIs"> {
  /** A call was let through though nobody could ask the store. */
  failedOpen(tier: string): void;
}

export interface OutageLogOptions {
  readonly log: Pick<Log, "info" | "warn">;
  readonly clock: Clock;
}

/** Two outages told are at least this far apart; one that lasts is told by then. */
const STORE_DOWN_EVERY_MS = 1_000;
const FAIL_OPEN_EVERY_MS = 10_000;

export function createOutageLog({ log, clock }: OutageLogOptions): OutageLog {
  return { ...storeLines(log, clock), ...breakerLines(log), ...failOpenLines(log, clock) };
}

function storeLines(log: OutageLogOptions["log"], clock: Clock): Pick<Observer, "storeFailed" | "storeUp"> {
  let cause: UnknownCause | undefined;
  let downSinceMs: number | undefined;
  let isTold = false;
  // The first connection takes a moment, and no store was out before there was one.
  let toldAtMs = clock.now().monotonicMs;
  let wasUp = false;
  /** Outages that came and went within the second of a line. */
  let untoldCount = 0;

  function tellDown(nowMs: number): void {
    if (nowMs - toldAtMs < STORE_DOWN_EVERY_MS) return;
    isTold = true;
    toldAtMs = nowMs;
    log.warn("store_down", { cause, short_outages: untoldCount === 0 ? undefined : untoldCount });
    untoldCount = 0;
  }

  return {
    /** Reported before what it changes. */
    storeFailed(why) {
      cause = why;
      if (downSinceMs !== undefined && !isTold) tellDown(clock.now().monotonicMs);
    },
    storeUp(up) {
      const nowMs = clock.now().monotonicMs;
      if (!up) {
        downSinceMs ??= nowMs;
        if (!isTold) tellDown(nowMs);
      } else if (downSinceMs !== undefined) {
        if (isTold) log.info("store_up", { down_for_ms: Math.round(nowMs - downSinceMs) });
        else if (wasUp) untoldCount += 1;
        downSinceMs = undefined;
        isTold = false;
      }
      wasUp ||= up;
    },
  };
}

/** Its probes, one a second through a whole outage, are no news. */
function breakerLines(log: OutageLogOptions["log"]): Pick<Observer, "breakerIs"> {
  let told: BreakerStateName = "closed";
  return {
    breakerIs(state) {
      if (state === told || state === "half-open") return;
      told = state;
      if (state === "open") log.warn("breaker_open");
      else log.info("breaker_closed");
    },
  };
}

function failOpenLines(log: OutageLogOptions["log"], clock: Clock): Pick<OutageLog, "failedOpen"> {
  const tiers = new Map<string, { toldAtMs: number; count: number }>();
  return {
    failedOpen(tier) {
      let known = tiers.get(tier);
      if (known === undefined) tiers.set(tier, (known = { toldAtMs: Number.NEGATIVE_INFINITY, count: 0 }));
      known.count += 1;
      const nowMs = clock.now().monotonicMs;
      if (nowMs - known.toldAtMs < FAIL_OPEN_EVERY_MS) return;
      known.toldAtMs = nowMs;
      log.warn("fail_open_active", { tier, count: known.count });
      known.count = 0;
    },
  };
}
