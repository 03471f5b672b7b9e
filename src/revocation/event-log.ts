// The port to the log of what was revoked and lifted, in order, whoever's control plane did it: what event streams are
// made of. It is bounded, so its beginning is forgotten; markers that others write by hand are not in it.

import type { Result } from "../core/result.ts";
import type { Target } from "../core/target.ts";
import type { FeedHead } from "./replica/source.ts";
import type { StoreFault } from "./store.ts";

export interface RevocationEvent {
  readonly change: "revoked" | "lifted";
  /** Of the revocation, in both cases. */
  readonly id: string;
  readonly target: Target;
  readonly reason: string;
  /** Who revoked; "" of a lift, and where it is not told. */
  readonly by: string;
  /** Epoch milliseconds of the change. */
  readonly atMs: number;
  /** Epoch seconds; of watermark kinds that were revoked. */
  readonly issuedBeforeS: number | undefined;
}

export interface LoggedEvent extends FeedHead {
  /** The link of the entry before it; "" for the first of an epoch. */
  readonly previousLink: string;
  readonly event: RevocationEvent;
}

export interface LogPage {
  /** That of the last entry; without any, where the log stands. */
  readonly reached: FeedHead;
  /** In order. Where the first is not the one asked for, the others were forgotten, or are of another history. */
  readonly entries: readonly LoggedEvent[];
}

export interface EventLog {
  /**
   * Some of the entries after `seq`, or none and where the log stands; "end": none. Waits for one for about `waitMs`,
   * which only one caller of a
   * process at a time asks of a store that is outside of it.
   */
  eventsAfter(seq: number | "end", waitMs: number): Promise<Result<LogPage, StoreFault>>;
}
