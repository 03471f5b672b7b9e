// What several workers say of themselves, as what one sidecar says: sums, and of what can be good or bad the worst. Pure
// but for the clock.

import type { DecisionTotals } from "../core/decision-totals.ts";
import { MAX_KEPT } from "../core/distinct-count.ts";
import type { Instant } from "../core/clock.ts";
import type { BreakerStateName } from "../core/observer.ts";
import type { FleetAnswer } from "../revocation/preview/question.ts";
import type { Pulse } from "./worker-messages.ts";

/** Of each member the sum. */
function sums<K extends string>(all: readonly Readonly<Partial<Record<K, number>>>[]): Partial<Record<K, number>> {
  const sum: Partial<Record<K, number>> = {};
  for (const each of all) {
    for (const [name, value] of Object.entries(each) as [K, number][]) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

export function totalsOf(pulses: readonly Pulse[]): DecisionTotals {
  const all = pulses.map(({ totals }) => totals);
  const durations: number[] = [];
  for (const total of all) {
    for (const [bucket, count] of total.durations.entries()) durations[bucket] = (durations[bucket] ?? 0) + count;
  }
  return {
    allowed: all.reduce((sum, { allowed }) => sum + allowed, 0),
    failedOpen: all.reduce((sum, { failedOpen }) => sum + failedOpen, 0),
    denied: sums(all.map(({ denied }) => denied)),
    durations,
  };
}

export function decisionsOf(pulses: readonly Pulse[]): Pulse["decisions"] {
  return {
    allowPerSecond: 0,
    denyPerSecond: 0,
    failOpenPerSecond: 0,
    ...sums(pulses.map(({ decisions }) => ({ ...decisions }))),
  };
}

export function observedDenialsOf(pulses: readonly Pulse[]): Pulse["observedDenials"] {
  return sums(pulses.map(({ observedDenials }) => observedDenials));
}

/** Of the worst: open before half-open before closed. */
export function breakerOf(pulses: readonly Pulse[]): BreakerStateName {
  const states = new Set(pulses.map(({ breaker }) => breaker));
  return (["open", "half-open"] as const).find((state) => states.has(state)) ?? "closed";
}

/** Of one that is in trouble, if one is; the age of the oldest answer. undefined: none has told of it yet. */
export function storeOf(pulses: readonly Pulse[]): Pulse["store"] | undefined {
  const stores = pulses.map(({ store }) => store);
  const worst =
    stores.find(({ unfit }) => unfit !== undefined) ?? stores.find(({ reachable }) => !reachable) ?? stores[0];
  return worst && { ...worst, lastAnswerAt: oldest(stores.map(({ lastAnswerAt }) => lastAnswerAt)) };
}

/** undefined: one has none. */
function oldest(instants: readonly (Instant | undefined)[]): Instant | undefined {
  let first: Instant | undefined;
  for (const instant of instants) {
    if (instant === undefined) return undefined;
    if (first === undefined || instant.monotonicMs < first.monotonicMs) first = instant;
  }
  return first;
}

/** Of what all have answered. A token that several have seen counts once, for what they keep are hashes. */
export function answersOf(all: readonly (readonly FleetAnswer[])[]): readonly FleetAnswer[] {
  const [first = []] = all;
  return first.flatMap(({ id }) => {
    const same = all.flatMap((answers) => answers.filter((answer) => answer.id === id));
    return same.length < all.length ? [] : [joinedAnswer(id, same)];
  });
}

function joinedAnswer(id: string, same: readonly FleetAnswer[]): FleetAnswer {
  const kept = (member: "tokens" | "sessions" | "users"): readonly number[] =>
    [...new Set(same.flatMap((answer) => answer[member]))].toSorted((a, b) => a - b).slice(0, MAX_KEPT);
  return {
    id,
    tokens: kept("tokens"),
    sessions: kept("sessions"),
    users: kept("users"),
    backMs: Math.min(...same.map(({ backMs }) => backMs)),
  };
}
