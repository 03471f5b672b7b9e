// What the ladder sees of a replica.

import type { Instant } from "../../core/clock.ts";
import type { Judgement } from "../judge.ts";
import type { RevocationSubject } from "../subject.ts";

export interface ReplicaView {
  /**
   * Up to this instant everything that was acknowledged is known here; undefined: not yet in step with the store. It
   * stands still while that cannot be proved.
   */
  readonly position: Instant | undefined;
  /** When anything here last changed: an answer asked for before may be older than what is known here. */
  readonly changedAt: Instant;
  /** Judges all keys of `subject` as of `position` or later; `unreadable` leaves it to the store. */
  judge(subject: RevocationSubject): Judgement;
}
