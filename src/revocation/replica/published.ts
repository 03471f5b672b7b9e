// What readers in other threads are told of a replica besides the markers themselves.

import type { Instant } from "../../core/clock.ts";

export interface Published {
  /** Told once all that it speaks of can be read. */
  readonly position: Instant | undefined;
  /** Told before anything of the change can be read. */
  readonly changedAt: Instant;
  /** The store's clock, in whole seconds. */
  readonly storeNowS: number;
}
