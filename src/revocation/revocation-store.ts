// The port to the place that holds revocations, whole. Every store passes test/conformance/store.

import type { Instant } from "../core/clock.ts";
import type { AuditStore } from "./audit-store.ts";
import type { EventLog } from "./event-log.ts";
import type { FleetBoard } from "./fleet-board.ts";
import type { PendingStore } from "./pending-store.ts";
import type { PublicationStore } from "./publication-store.ts";
import type { Shards } from "./shards.ts";
import type { MarkerReader, RevocationWriter } from "./store.ts";

/** What the store says of itself, for readiness and `portcullis status`. */
export interface StoreHealth {
  /** The last complete look-up or probe was answered by a primary. */
  readonly reachable: boolean;
  /** Why it must not be trusted for readiness, although it answers (e.g. an evicting Redis); undefined if nothing. */
  readonly unfit: string | undefined;
  /** One line for people. Never a credential. */
  readonly describe: string;
}

export interface RevocationStore
  extends MarkerReader, RevocationWriter, EventLog, AuditStore, FleetBoard, PendingStore, PublicationStore {
  readonly type: "redis" | "embedded" | "memory";
  /** Where its parts can be out each alone. */
  readonly shards?: Shards;
  /** Begins connecting and returns; a store that is away is no error. */
  start(): Promise<void>;
  /** Frees every handle and timer; look-ups still waiting are answered with `stopped`. */
  stop(): Promise<void>;
  health(): StoreHealth;
  /**
   * When a revocation was last written or lifted through this store by this process; undefined: never, or not told (its
   * replicas hear of it from the feed).
   */
  writtenAt?(): Instant | undefined;
}
