// The port to what waits for a second person's approval. It revokes nothing, and no decision about a call reads it.

import type { Result } from "../core/result.ts";
import type { StoreFault } from "./store.ts";

export interface PendingRequest {
  readonly id: string;
  /** Epoch milliseconds, by the store's clock: it is gone then. */
  readonly expiresAtMs: number;
  /** Whatever the control plane needs to do it later. */
  readonly text: string;
}

/** More are not taken: some 2 MB, and far more than anybody looks through within the hour. */
export const MAX_PENDING = 1_000;

export interface PendingStore {
  /** Keeps it for `ttlMs`; undefined: MAX_PENDING wait already. */
  addPending(id: string, text: string, ttlMs: number): Promise<Result<PendingRequest | undefined, StoreFault>>;
  /** All that wait, the oldest first. */
  pending(): Promise<Result<readonly PendingRequest[], StoreFault>>;
  /** The one that waits under this id; undefined: none does. */
  pendingById(id: string): Promise<Result<PendingRequest | undefined, StoreFault>>;
  /** Takes it out: of several that try one gets it. undefined: none waits under this id. */
  takePending(id: string): Promise<Result<PendingRequest | undefined, StoreFault>>;
}
