// What a fault is to the run: a name, the part of the system it hits, and how it is made and ended.

import type { Random } from "../support/random.ts";
import type { Disturbance } from "./history.ts";
import type { Plannable } from "./schedule.ts";

export interface Fault extends Plannable {
  /** Resolves once the fault is there, with what ends it. Nothing is left of it after that, or once its part is mended. */
  make(random: Random, notes: Notes): Promise<() => void | Promise<void>>;
}

/** Where a fault says what it did that bears on the promise, at the run's own clock. */
export interface Notes {
  nowMs(): number;
  disturbed(disturbance: Disturbance): void;
}
