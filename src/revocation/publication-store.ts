// The port to whose turn it is to publish the log elsewhere, and how far that is done. It publishes nothing itself.

import type { Result } from "../core/result.ts";
import type { FeedHead } from "./replica/source.ts";
import type { StoreFault } from "./store.ts";

export interface Turn {
  /** The last entry that was published; undefined: none ever was, or that was forgotten. */
  readonly publishedTo: FeedHead | undefined;
}

export interface PublicationStore {
  /** Takes the turn for `ttlMs` by the store's clock, or keeps it; undefined: it is another's, and has not run out. */
  takeTurn(holder: string, ttlMs: number): Promise<Result<Turn | undefined, StoreFault>>;
  /** Remembers, without an expiry, how far is published, unless another has the turn; tells whether it did. */
  published(holder: string, upTo: FeedHead): Promise<Result<boolean, StoreFault>>;
  /** Gives the turn up, if it is the holder's. */
  endTurn(holder: string): Promise<Result<void, StoreFault>>;
}
