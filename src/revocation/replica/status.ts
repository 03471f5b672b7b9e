// What a replica says of itself, to people and to the control plane. No check is judged by it.

import type { Instant } from "../../core/clock.ts";
import type { Heeded } from "../fleet-board.ts";

export interface ReplicaStatus {
  readonly position: Instant | undefined;
  readonly entryCount: number;
  /** Every entry up to it is heeded, whatever was answered before; undefined: that cannot be said of any yet. */
  readonly heededUpTo: Heeded | undefined;
  /** Of the last entry that was applied. */
  readonly seq: number;
  /** Writes by hand are heard as they happen; otherwise they are found by scan. */
  readonly isPushed: boolean;
  /** What keeps it from knowing of now, for people; undefined: nothing known. */
  readonly why: string | undefined;
}
