// The key sources of a main thread with workers: the only ones that fetch. What they read is told to every worker, and
// what a worker asks for is asked of them, so single flight and rates hold for all workers together.

import type { KeySource, TakenReading } from "../token/key-source.ts";
import { createKeySource } from "../token/polled-keys.ts";
import type { KeySources } from "./issuers.ts";
import { systemClock } from "./clock.ts";

export interface TellingSources extends KeySources {
  /** All that was read so far, by the name of its source. */
  readings(): Iterable<readonly [string, TakenReading]>;
  /** `done` hears whether a good reading has come of it; what was read is told before. */
  refetch(name: string, kid: string, done: (wasRead: boolean) => void): void;
}

/** A reading takes half of it at most. */
const REFETCH_WITHIN_MS = 10_000;

export function createTellingSources(tell: (name: string, reading: TakenReading) => void): TellingSources {
  const sources = new Map<string, KeySource>();
  const readings = new Map<string, TakenReading>();
  return {
    open(name, options) {
      const source = createKeySource({
        ...options,
        onTaken(reading) {
          readings.set(name, reading);
          tell(name, reading);
        },
      });
      sources.set(name, source);
      return source;
    },
    retired(name) {
      sources.delete(name);
      readings.delete(name);
    },
    readings: () => readings,
    refetch(name, kid, done) {
      const source = sources.get(name);
      if (source === undefined) return done(false);
      const now = systemClock.now();
      source.refetchFor(kid, now, now.monotonicMs + REFETCH_WITHIN_MS, undefined, (keys) =>
        done(keys.byKid.has(kid) || source.isKnownAbsent(kid, systemClock.now())),
      );
    },
  };
}
