// Waits until every live sidecar heeds a revocation, or says which do not. It believes nothing but what each reports of
// itself: a silent one, and one without a replica, is named.

import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import { ok, type Result } from "../../core/result.ts";
import type { EventLog } from "../../revocation/event-log.ts";
import type { FleetBoard, Heeded, SidecarReport } from "../../revocation/fleet-board.ts";
import type { StoreFault } from "../../revocation/store.ts";

export interface FleetReceipt {
  /** Those that were not silent once it was stored. */
  readonly live: number;
  readonly applied: number;
  readonly pending: readonly string[];
  /** Whole milliseconds since it was asked for. */
  readonly ms: number;
}

export interface FleetWatch {
  /**
   * Resolves when all that are live heed the entry `seq`, which is stored, or after 2 s; `beganAtMs`: when it was asked
   * for, on the monotonic clock. A fault tells only that it cannot be told.
   */
  heeding(seq: number, beganAtMs: number): Promise<Result<FleetReceipt, StoreFault>>;
  /** What a sidecar has just said here: whoever waits for it need not look. */
  told(report: Pick<SidecarReport, "id" | "heeded">): void;
}

interface Waiting {
  readonly awaited: Heeded;
  readonly untilMs: number;
  readonly pending: Set<string>;
  readonly done: () => void;
}

/** Contract §6. */
const WAIT_MS = 2_000;

/** For those that report to another control plane: of the others it is known before. */
const LOOK_EVERY_MS = 10;

export function createFleetWatch(store: FleetBoard & EventLog, clock: Clock): FleetWatch {
  const waiting = new Set<Waiting>();
  let isLooking = false;

  async function look(): Promise<void> {
    if (isLooking) return;
    isLooking = true;
    while (waiting.size > 0) {
      await delay(LOOK_EVERY_MS);
      const ids = [...new Set([...waiting].flatMap(({ pending }) => Array.from(pending)))];
      const heeded = await store.heeded(ids);
      if (heeded.ok) for (const [i, id] of ids.entries()) strike(id, heeded.value[i]);
      endDone();
    }
    isLooking = false;
  }

  function strike(id: string, heeded: Heeded | undefined): void {
    for (const { pending, awaited } of waiting) if (covers(heeded, awaited)) pending.delete(id);
  }

  function endDone(): void {
    const nowMs = clock.now().monotonicMs;
    for (const one of waiting) {
      if (one.pending.size > 0 && nowMs < one.untilMs) continue;
      waiting.delete(one);
      one.done();
    }
  }

  function stillPending(awaited: Heeded, late: readonly string[]): Promise<readonly string[]> {
    if (late.length === 0) return Promise.resolve(late);
    return new Promise((resolve) => {
      const untilMs = clock.now().monotonicMs + WAIT_MS;
      const pending = new Set(late);
      const one: Waiting = { awaited, untilMs, pending, done: () => resolve([...pending]) };
      waiting.add(one);
      void look();
    });
  }

  return {
    async heeding(seq, beganAtMs) {
      const [stands, fleet] = await Promise.all([store.eventsAfter("end", 0), store.fleet()]);
      if (!stands.ok) return stands;
      if (!fleet.ok) return fleet;
      const awaited = { epoch: stands.value.reached.epoch, seq };
      const late = fleet.value.filter(({ heeded }) => !covers(heeded, awaited)).map(({ id }) => id);
      const pending = await stillPending(awaited, late);
      const live = fleet.value.length;
      const ms = Math.round(clock.now().monotonicMs - beganAtMs);
      return ok({ live, applied: live - pending.length, pending, ms });
    },
    told({ id, heeded }) {
      strike(id, heeded);
      endDone();
    },
  };
}

function covers(heeded: Heeded | undefined, { epoch, seq }: Heeded): boolean {
  return heeded !== undefined && heeded.epoch === epoch && heeded.seq >= seq;
}
