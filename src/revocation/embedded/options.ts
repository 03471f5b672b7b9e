// What the embedded store is told by whoever builds it. Plain compiled values: it never reads the configuration.

import type { Clock } from "../../core/clock.ts";

export interface EmbeddedStoreOptions {
  /** The SQLite file, made if it is missing; its directory is not. */
  readonly path: string;
  /** Put before every key, as in the keys that `read` is asked for. */
  readonly keyPrefix: string;
  readonly clock: Clock;
}
