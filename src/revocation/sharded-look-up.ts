// Asks each part of a store on its own, with its own batches and breaker, and joins what they answer: a part that is out
// takes nothing with it but its own keys. It judges no value.

import type { Clock, Instant } from "../core/clock.ts";
import type { UnknownCause } from "../core/evidence.ts";
import type { BreakerStateName } from "../core/observer.ts";
import type { Span } from "../core/tracing.ts";
import type { Schedule } from "../resilience/schedule.ts";
import type { LookUp, LookUpAnswer } from "./look-up.ts";
import type { Shards } from "./shards.ts";

/** One part's own way to it. */
export interface ShardLookUp {
  readonly lookUp: LookUp;
  breakerState(): BreakerStateName;
  stop(): void;
}

export interface ShardedLookUpOptions {
  readonly shards: Shards;
  readonly clock: Clock;
  readonly schedule: Schedule;
  /** Opens the way to a part. `probeKey` undefined: nobody is to ask it unasked. */
  readonly open: (name: string, probeKey: string | undefined) => ShardLookUp;
}

export interface ShardedLookUp extends LookUp {
  /** The worst of them. */
  breakerState(): BreakerStateName;
  stop(): void;
}

/** How often it is seen which parts there are. */
const LOOK_EVERY_MS = 500;

/** A part that is no longer there has answered whoever still waited for it by then. */
const CLOSED_AFTER_MS = 5_000;

const NOBODY = "";

interface Open {
  readonly way: ShardLookUp;
  /** Monotonic clock. */
  usedAtMs: number;
}

/** Keys of one part, and where each stands among all. */
interface Part {
  readonly keys: string[];
  readonly places: number[];
}

export function createShardedLookUp({ shards, clock, schedule, open }: ShardedLookUpOptions): ShardedLookUp {
  const ways = new Map<string, Open>();
  const endLook = schedule.every(LOOK_EVERY_MS, look);
  look();

  function wayTo(name: string): Open {
    let found = ways.get(name);
    if (found === undefined) {
      const probeKey = shards.list().find((shard) => shard.name === name)?.probeKey;
      ways.set(name, (found = { way: open(name, probeKey), usedAtMs: 0 }));
    }
    found.usedAtMs = clock.now().monotonicMs;
    return found;
  }

  /** Opens the way to parts that are new, so that it is known whether they answer; closes it to those that are gone. */
  function look(): void {
    for (const { name } of shards.list()) wayTo(name);
    const nowMs = clock.now().monotonicMs;
    for (const [name, { way, usedAtMs }] of ways) {
      if (nowMs - usedAtMs < CLOSED_AFTER_MS) continue;
      ways.delete(name);
      way.stop();
    }
  }

  function partsOf(keys: readonly string[]): Map<string, Part> {
    const parts = new Map<string, Part>();
    for (const [place, key] of keys.entries()) {
      const name = shards.shardOf(key) ?? NOBODY;
      let part = parts.get(name);
      if (part === undefined) parts.set(name, (part = { keys: [], places: [] }));
      part.keys.push(key);
      part.places.push(place);
    }
    return parts;
  }

  function ask(
    name: string,
    part: Part,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (a: LookUpAnswer) => void,
  ): void {
    if (name === NOBODY) return schedule.immediate(() => done({ ok: false, cause: "cluster_down" }));
    wayTo(name).way.lookUp.lookUp(part.keys, deadlineAtMs, span, done);
  }

  return {
    lookUp(keys, deadlineAtMs, span, done) {
      const parts = partsOf(keys);
      const answers: Answered[] = [];
      for (const [name, part] of parts) {
        ask(name, part, deadlineAtMs, span, (answer) => {
          answers.push({ part, answer });
          if (answers.length === parts.size) done(join(keys.length, answers));
        });
      }
    },
    lastAnswerAt(keys) {
      if (keys === undefined) return youngest([...ways.values()].map(({ way }) => way.lookUp.lastAnswerAt()));
      return oldest([...partsOf(keys).keys()].map((name) => ways.get(name)?.way.lookUp.lastAnswerAt()));
    },
    breakerState() {
      const states = new Set([...ways.values()].map(({ way }) => way.breakerState()));
      if (states.has("open")) return "open";
      return states.has("half-open") ? "half-open" : "closed";
    },
    stop() {
      endLook();
      for (const { way } of ways.values()) way.stop();
    },
  };
}

interface Answered {
  readonly part: Part;
  readonly answer: LookUpAnswer;
}

/** Our own load and our own end are told before what a part says: neither may open a door. */
const FIRST_TOLD: readonly UnknownCause[] = ["overloaded", "stopped"];

function join(count: number, answers: readonly Answered[]): LookUpAnswer {
  const values = Array.from<string | null>({ length: count }).fill(null);
  const causes: UnknownCause[] = [];
  let asOf: Instant | undefined;
  for (const { part, answer } of answers) {
    if (!answer.ok) {
      causes.push(answer.cause);
      continue;
    }
    asOf = asOf === undefined ? answer.asOf : older(asOf, answer.asOf);
    for (const [i, place] of part.places.entries()) values[place] = answer.values[i] ?? null;
  }
  const cause = FIRST_TOLD.find((one) => causes.includes(one)) ?? causes[0];
  if (cause === undefined) return asOf === undefined ? { ok: false, cause: "protocol" } : { ok: true, asOf, values };
  return asOf === undefined ? { ok: false, cause } : { ok: false, cause, partly: { asOf, values } };
}

/** By each clock apart, so that no later age comes out smaller for either. */
function older(a: Instant, b: Instant): Instant {
  return { monotonicMs: Math.min(a.monotonicMs, b.monotonicMs), wallMs: Math.min(a.wallMs, b.wallMs) };
}

/** Undefined where one never answered. */
function oldest(instants: readonly (Instant | undefined)[]): Instant | undefined {
  return instants.includes(undefined) ? undefined : (instants as readonly Instant[]).reduce(older);
}

function youngest(instants: readonly (Instant | undefined)[]): Instant | undefined {
  let found: Instant | undefined;
  for (const one of instants) if (one !== undefined && (found?.monotonicMs ?? -Infinity) < one.monotonicMs) found = one;
  return found;
}
