// The port between a replica and the store that feeds it. Nothing here throws or rejects; every wait ends by itself.

import type { Result } from "../../core/result.ts";
import type { TargetKind } from "../../core/target.ts";
import type { StoreFault } from "../store.ts";

/** Where the feed stands. Two histories of one store differ in the link, though their seq be equal. */
export interface FeedHead {
  /** "" with seq 0: nothing was ever told yet. */
  readonly epoch: string;
  /** Of the last entry. */
  readonly seq: number;
  readonly link: string;
}

/** A marker as it stands. */
export interface StandingMarker {
  readonly kind: TargetKind;
  readonly value: string;
  /** Epoch milliseconds of the store's clock; undefined: never. */
  readonly expiresAtMs: number | undefined;
}

export interface FeedEntry extends FeedHead {
  /** The link of the entry before it; "" for the first of an epoch. */
  readonly previousLink: string;
  /** Whole, as in a look-up. */
  readonly key: string;
  /** undefined: it was lifted. */
  readonly marker: StandingMarker | undefined;
  /** Somebody waits until replicas have it. */
  readonly isAwaited: boolean;
}

/** What stood in one moment: every entry up to the head is in it, and none after. */
export interface Moment {
  readonly head: FeedHead;
  /** Epoch milliseconds. */
  readonly storeNowMs: number;
  /** `markers[i]` of `keys[i]`. */
  readonly markers: readonly (StandingMarker | "absent" | "of another type")[];
}

export interface ScanStep {
  /** Where to go on; "0": it is through. */
  readonly next: string;
  readonly keys: readonly string[];
  /** Of the connection: a scan goes on only where it began, for another server's cursors mean other things. */
  readonly connection: number;
}

/** What the store says unasked of keys that anybody wrote. Nothing is said while it is closed. */
export interface PushListener {
  /** From here on every write is told. */
  opened(): void;
  changed(keys: readonly string[]): void;
  /** Anything may have changed (FLUSHALL). */
  everythingChanged(): void;
  closed(): void;
  /** It could not be opened; it is tried again. */
  failed(why: StoreFault): void;
}

export interface ReplicaSource {
  /** `listener` undefined: no push is wanted. */
  start(listener: PushListener | undefined): void;
  stop(): Promise<void>;
  /** The question is written before this returns, or not at all. */
  read(keys: readonly string[]): Promise<Result<Moment, StoreFault>>;
  /** The entries after `seq`, in order; waits a while for one, and is empty then. Trimmed ones are missing. */
  entriesAfter(seq: number): Promise<Result<readonly FeedEntry[], StoreFault>>;
  scan(cursor: string): Promise<Result<ScanStep, StoreFault>>;
  /**
   * Whether every write that was acknowledged before this call has been told to the listener by now. A push for which
   * that is not sure is closed.
   */
  provePush(): Promise<boolean>;
}
