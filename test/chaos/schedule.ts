// Which fault comes when, drawn from a seed: the same seed gives the same schedule. It makes no fault.

import type { Random } from "../support/random.ts";

/** What can be planned: two faults of one part never overlap. */
export interface Plannable {
  readonly name: string;
  readonly part: string;
  /** How long it lasts at most, where it must be over sooner than others. */
  readonly mostMs?: number;
}

export interface Planned<F extends Plannable> {
  readonly fault: F;
  readonly atMs: number;
  readonly forMs: number;
  /** For what the fault itself draws. */
  readonly seed: number;
}

const SHORTEST_MS = 300;

/** `lastingMs` long, in order of their begin; about one fault a second, as many beside each other as parts allow. */
export function plan<F extends Plannable>(
  random: Random,
  faults: readonly F[],
  lastingMs: number,
): readonly Planned<F>[] {
  const planned: Planned<F>[] = [];
  const wanted = 2 + random.integer(Math.ceil(lastingMs / 1_000));
  for (let i = 0; i < wanted; i += 1) {
    const fault = random.pick(faults);
    const atMs = Math.round(random.between(0, lastingMs * 0.8));
    const longestMs = Math.min(lastingMs - atMs, fault.mostMs ?? Infinity);
    const one = {
      fault,
      atMs,
      forMs: Math.round(random.between(Math.min(SHORTEST_MS, longestMs), longestMs)),
      seed: random.integer(2 ** 31),
    };
    if (!planned.some((other) => other.fault.part === fault.part && overlap(one, other))) planned.push(one);
  }
  return planned.toSorted((a, b) => a.atMs - b.atMs);
}

function overlap(a: Planned<Plannable>, b: Planned<Plannable>): boolean {
  return a.atMs < b.atMs + b.forMs && b.atMs < a.atMs + a.forMs;
}

export function describePlan(planned: readonly Planned<Plannable>[]): string {
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  return planned
    .map(({ fault, atMs, forMs }) => `${fault.name} at ${seconds(atMs)} s for ${seconds(forMs)} s`)
    .join(", ");
}
