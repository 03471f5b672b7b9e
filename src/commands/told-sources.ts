// The key sources of a worker: each is told what the main thread reads, and asks it where a kid is unknown.

import { createToldKeys, type ToldKeys } from "../token/told-keys.ts";
import type { TakenReading } from "../token/key-source.ts";
import type { KeySources } from "./issuers.ts";
import { systemClock } from "./clock.ts";

export interface ToldSources extends KeySources {
  told(name: string, reading: TakenReading): void;
  refetched(name: string, wasRead: boolean): void;
}

export function createToldSources(ask: (name: string, kid: string) => void): ToldSources {
  const open = new Map<string, ToldKeys>();
  /** Told before the configuration that asks for them. */
  const early = new Map<string, TakenReading>();
  return {
    open(name, { algorithms }) {
      const source = createToldKeys({ algorithms, clock: systemClock, ask: (kid) => ask(name, kid) });
      open.set(name, source);
      const reading = early.get(name);
      if (reading !== undefined) source.told(reading);
      early.delete(name);
      return source;
    },
    retired(name) {
      open.delete(name);
    },
    told(name, reading) {
      const source = open.get(name);
      if (source === undefined) early.set(name, reading);
      else source.told(reading);
    },
    refetched(name, wasRead) {
      open.get(name)?.refetched(wasRead);
    },
  };
}
