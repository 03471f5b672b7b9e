// Plays how a revocation spreads through a fleet that nobody has here: thousands of sidecars in several regions, fed by Redis
// or by relays, from costs measured on one machine and delays that are assumed. Seeded; it measures nothing.

import { createRandom } from "../../test/support/random.ts";

export interface Topology {
  readonly regions: number;
  readonly sidecarsPerRegion: number;
  /** Between two machines of a region, and between two regions: one way, median, ms. Assumed. */
  readonly nearMs: number;
  readonly farMs: number;
  /** Who tells the sidecars: the one Redis itself, or so many relays in each region. */
  readonly relaysPerRegion: number | "none";
}

/** µs of CPU of whoever tells, for one follower: to write to it once, and for each further revocation in the same writing. */
export interface TellingCost {
  readonly writeUs: number;
  readonly furtherUs: number;
}

export interface Costs {
  readonly redis: TellingCost;
  readonly relay: TellingCost;
}

export interface Spread {
  /** From the acknowledgement to the last sidecar of all, over all revocations, ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of the time that the busiest teller was telling. */
  readonly busyRatio: number;
}

const SEED = 20_261_121;

export function simulate(topology: Topology, costs: Costs, perSecond: number, revocationCount: number): Spread {
  const random = createRandom(SEED).unit;
  const arrivals = poisson(perSecond, revocationCount, random);
  const last = new Float64Array(revocationCount);
  let busiest = 0;
  for (const teller of tellersOf(topology)) {
    const hears = arrivals.map((at) => at + (teller.hearsOverMs === 0 ? 0 : delay(teller.hearsOverMs, random)));
    // One connection keeps their order.
    for (let i = 1; i < hears.length; i += 1) hears[i] = Math.max(hears[i] as number, hears[i - 1] as number);
    const cost = topology.relaysPerRegion === "none" ? costs.redis : costs.relay;
    busiest = Math.max(busiest, tell(teller, cost, hears, arrivals, last, random));
  }
  const sorted = last.toSorted();
  const at = (ratio: number): number => sorted[Math.ceil(sorted.length * ratio) - 1] ?? NaN;
  return { p50Ms: at(0.5), p99Ms: at(0.99), busyRatio: busiest };
}

interface Teller {
  /** From Redis, one way; 0: it is Redis. */
  readonly hearsOverMs: number;
  /** Of its followers, one way. */
  readonly followersMs: readonly number[];
}

function tellersOf({ regions, sidecarsPerRegion, nearMs, farMs, relaysPerRegion }: Topology): readonly Teller[] {
  // Redis is in the first region.
  const toRegion = Array.from({ length: regions }, (_, region) => (region === 0 ? nearMs : farMs));
  if (relaysPerRegion === "none") {
    return [{ hearsOverMs: 0, followersMs: toRegion.flatMap((ms) => Array<number>(sidecarsPerRegion).fill(ms)) }];
  }
  const each = Math.ceil(sidecarsPerRegion / relaysPerRegion);
  return toRegion.flatMap((hearsOverMs) =>
    Array.from({ length: relaysPerRegion }, () => ({ hearsOverMs, followersMs: Array<number>(each).fill(nearMs) })),
  );
}

/** One after the other, as one thread does: what came meanwhile is told together. The share of time it was at it. */
function tell(
  { followersMs }: Teller,
  { writeUs, furtherUs }: TellingCost,
  hears: readonly number[],
  arrivals: readonly number[],
  last: Float64Array,
  random: () => number,
): number {
  let freeAt = 0;
  let busyMs = 0;
  for (let next = 0; next < hears.length;) {
    const beginsAt = Math.max(freeAt, hears[next] as number);
    const from = next;
    while (next < hears.length && (hears[next] as number) <= beginsAt) next += 1;
    const eachMs = (writeUs + furtherUs * (next - from - 1)) / 1_000;
    let arrived = 0;
    for (let i = 0; i < followersMs.length; i += 1) {
      arrived = Math.max(arrived, beginsAt + (i + 1) * eachMs + delay(followersMs[i] as number, random));
    }
    for (let i = from; i < next; i += 1) last[i] = Math.max(last[i] as number, arrived - (arrivals[i] as number));
    freeAt = beginsAt + followersMs.length * eachMs;
    busyMs += followersMs.length * eachMs;
  }
  return busyMs / Math.max(freeAt, hears.at(-1) ?? 0);
}

/** Log-normal about its median, one in a hundred above 2.3 times of it: what networks do when nothing is wrong. */
function delay(medianMs: number, random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return medianMs * Math.exp(0.36 * normal);
}

function poisson(perSecond: number, count: number, random: () => number): readonly number[] {
  let at = 0;
  return Array.from({ length: count }, () => (at += (-Math.log(1 - random()) * 1_000) / perSecond));
}
