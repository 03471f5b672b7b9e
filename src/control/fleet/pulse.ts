// The fleet's pulse: what it decides a second, how long it takes, who fails open, from the difference of what each sidecar
// reported lately. It looks only while somebody asks, and tells nothing over a gap.

import type { Clock } from "../../core/clock.ts";
import { CHECK_DURATION_BOUNDS_S, type DecisionTotals } from "../../core/decision-totals.ts";
import type { DenyReason } from "../../core/deny-reason.ts";
import { ok, type Result } from "../../core/result.ts";
import type { FleetBoard, SeenSidecar } from "../../revocation/fleet-board.ts";
import type { StoreFault } from "../../revocation/store.ts";
import type { HeardReports } from "./heard.ts";

/** Of one sidecar, or of all, over the last seconds. */
export interface Rates {
  readonly allowedPerS: number;
  readonly deniedPerS: ReadonlyMap<DenyReason, number>;
  /** Part of the allowed. */
  readonly failedOpenPerS: number;
}

export interface FleetMemberPulse {
  readonly sidecar: SeenSidecar;
  /** undefined: it has not been watched for long enough. */
  readonly rates: Rates | undefined;
}

export interface FleetPulse {
  /** Epoch milliseconds. */
  readonly atMs: number;
  /** false: it cannot be asked, and these are the sidecars that report to this control plane. */
  readonly isStoreUp: boolean;
  /** How long the store took to tell. */
  readonly storeMs: number;
  readonly members: readonly FleetMemberPulse[];
  /** undefined: nobody was watched for long enough. */
  readonly rates: Rates | undefined;
  /** By quantile, in milliseconds; Infinity beyond the last bucket. undefined: nothing was decided. */
  readonly latencyMs: ReadonlyMap<Quantile, number> | undefined;
}

export const QUANTILES = [50, 90, 99] as const;
type Quantile = (typeof QUANTILES)[number];

export interface Pulse {
  /** A fault where the store cannot be asked and nobody reports here. */
  read(): Promise<Result<FleetPulse, StoreFault>>;
}

/** However many ask. */
const LOOK_AT_MOST_EVERY_MS = 800;
/** Long enough for a steady number, short enough to see an outage begin. */
const OVER_MS = 5_000;
/** Nobody asked for so long: what was is no measure of what is. */
const FORGET_AFTER_MS = 15_000;

/** The fleet as it was, by each of the two that tell: their clocks differ, so only what one told is compared. */
interface Look {
  readonly atMs: number;
  readonly stored: readonly SeenSidecar[];
  readonly heard: readonly SeenSidecar[];
}

export function createPulse(board: FleetBoard, reports: HeardReports, clock: Clock): Pulse {
  let looks: Look[] = [];
  let last: { readonly atMs: number; readonly pulse: Promise<Result<FleetPulse, StoreFault>> } | undefined;

  async function look(atMs: number): Promise<Result<FleetPulse, StoreFault>> {
    const stored = await board.fleet();
    const heard = reports.fleet();
    if (!stored.ok && heard.length === 0) return stored;
    const now = clock.now();
    const before = remember({ atMs, stored: stored.ok ? stored.value : [], heard }, now.monotonicMs);
    const watched = stored.ok ? spansOf(before?.stored, stored.value) : spansOf(before?.heard, heard);
    const measured = watched.flatMap(({ span }) => span ?? []);
    return ok({
      atMs: now.wallMs,
      isStoreUp: stored.ok,
      storeMs: now.monotonicMs - atMs,
      members: watched.map(({ sidecar, span }) => ({ sidecar, rates: span && ratesOf([span]) })),
      rates: measured.length === 0 ? undefined : ratesOf(measured),
      latencyMs: latencyOf(measured),
    });
  }

  /** Returns the one before it that it is compared with. */
  function remember(latest: Look, nowMs: number): Look | undefined {
    looks = looks.filter(({ atMs }) => nowMs - atMs <= FORGET_AFTER_MS);
    const before = looks.findLast(({ atMs }) => nowMs - atMs >= OVER_MS) ?? looks[0];
    looks.push(latest);
    return before;
  }

  return {
    read() {
      const atMs = clock.now().monotonicMs;
      if (last === undefined || atMs - last.atMs >= LOOK_AT_MOST_EVERY_MS) last = { atMs, pulse: look(atMs) };
      return last.pulse;
    },
  };
}

interface Watched {
  readonly sidecar: SeenSidecar;
  readonly span: Span | undefined;
}

function spansOf(before: readonly SeenSidecar[] | undefined, fleet: readonly SeenSidecar[]): readonly Watched[] {
  const earlier = new Map(before?.map((sidecar) => [sidecar.id, sidecar]));
  return fleet.map((sidecar) => ({ sidecar, span: spanOf(earlier.get(sidecar.id), sidecar) }));
}

/** What one sidecar decided between two of its reports. */
interface Span {
  readonly seconds: number;
  readonly before: DecisionTotals;
  readonly after: DecisionTotals;
}

function spanOf(before: SeenSidecar | undefined, after: SeenSidecar): Span | undefined {
  if (before?.totals === undefined || after.totals === undefined) return undefined;
  const seconds = (after.lastSeenMs - before.lastSeenMs) / 1_000;
  return seconds > 0 ? { seconds, before: before.totals, after: after.totals } : undefined;
}

function ratesOf(spans: readonly Span[]): Rates {
  const deniedPerS = new Map<DenyReason, number>();
  for (const { seconds, before, after } of spans) {
    for (const [name, count = 0] of Object.entries(after.denied)) {
      const reason = name as DenyReason;
      const more = (count - (before.denied[reason] ?? 0)) / seconds;
      if (more > 0) deniedPerS.set(reason, (deniedPerS.get(reason) ?? 0) + more);
    }
  }
  return {
    allowedPerS: perSecond(spans, ({ allowed }) => allowed),
    deniedPerS,
    failedOpenPerS: perSecond(spans, ({ failedOpen }) => failedOpen),
  };
}

function perSecond(spans: readonly Span[], of: (totals: DecisionTotals) => number): number {
  return spans.reduce((sum, { seconds, before, after }) => sum + Math.max(0, of(after) - of(before)) / seconds, 0);
}

function latencyOf(spans: readonly Span[]): FleetPulse["latencyMs"] {
  const counts = [...CHECK_DURATION_BOUNDS_S, Infinity].map((_, bucket) =>
    spans.reduce((sum, { before, after }) => sum + (after.durations[bucket] ?? 0) - (before.durations[bucket] ?? 0), 0),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= 0) return undefined;
  return new Map(QUANTILES.map((quantile) => [quantile, quantileMs(counts, (total * quantile) / 100)]));
}

/** Where the `rank`th lies, as if a bucket's durations were spread evenly over it. */
function quantileMs(counts: readonly number[], rank: number): number {
  let below = 0;
  for (const [bucket, count] of counts.entries()) {
    if (below + count >= rank && count > 0) {
      const from = CHECK_DURATION_BOUNDS_S[bucket - 1] ?? 0;
      const to = CHECK_DURATION_BOUNDS_S[bucket] ?? Infinity;
      return (from + ((to - from) * (rank - below)) / count) * 1_000;
    }
    below += count;
  }
  return Infinity;
}
