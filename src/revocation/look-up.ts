// The port between the ladder and whatever asks the store for it (one batcher, or one for each node of a Cluster).

import type { Instant } from "../core/clock.ts";
import type { UnknownCause } from "../core/evidence.ts";
import type { Span } from "../core/tracing.ts";

export type LookUpAnswer =
  | {
      readonly ok: true;
      /** Read before the batch was written. */
      readonly asOf: Instant;
      /** `values[i]` belongs to `keys[i]`. */
      readonly values: readonly (string | null)[];
    }
  | {
      readonly ok: false;
      readonly cause: UnknownCause;
      /** What could be read though not all could: a null may be nothing, or not known. */
      readonly partly?: { readonly asOf: Instant; readonly values: readonly (string | null)[] };
    };

export interface LookUp {
  /**
   * Asks for `keys` in a batch not yet written. Calls `done` exactly once, never before this returns, and up to 5 ms
   * before `deadlineAtMs` (monotonic clock) at the latest; a later answer of the batch is dropped. What could not even
   * be sent by then is `overloaded`, unless the store's own silence kept the places taken.
   */
  lookUp(
    keys: readonly string[],
    deadlineAtMs: number,
    span: Span | undefined,
    done: (answer: LookUpAnswer) => void,
  ): void;
  /**
   * When a complete look-up was last answered (never a PING) by whoever holds `keys`, the oldest of several; without
   * keys: by anybody. Undefined: never.
   */
  lastAnswerAt(keys?: readonly string[]): Instant | undefined;
}
