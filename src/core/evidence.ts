// What is known about a token's revocation: from which source, as of when. Never a boolean.

import type { Instant } from "./clock.ts";
import type { TargetKind } from "./target.ts";

/** Where an answer came from, in the order of cost. */
export type EvidenceSource = "recent" | "replica" | "store";

/** Why the store's answer is not known. Closed: a new cause breaks the build until decide() knows it. */
export const UNKNOWN_CAUSES = [
  "timeout",
  "deadline",
  "disconnected",
  "connection_refused",
  "connection_lost",
  "loading",
  "read_only",
  "not_primary",
  "cluster_down",
  "moved",
  "out_of_memory",
  "auth",
  "max_clients",
  "locked",
  "disk",
  "protocol",
  "breaker_open",
  "store_lost",
  "unreadable",
  "overloaded",
  "stopped",
] as const;
export type UnknownCause = (typeof UNKNOWN_CAUSES)[number];

export interface RevokedBy {
  readonly kind: TargetKind;
  /** The revocation's id, where its value carries one. */
  readonly revocationId: string | undefined;
}

export interface ActiveEvidence {
  readonly state: "active";
  readonly source: EvidenceSource;
  /** The instant up to which this is known: read before the question was written, the oldest over all keys. */
  readonly asOf: Instant;
}

export interface RevokedEvidence {
  readonly state: "revoked";
  readonly source: EvidenceSource;
  readonly by: RevokedBy;
  readonly asOf: Instant;
}

export interface UnknownEvidence {
  readonly state: "unknown";
  readonly cause: UnknownCause;
  /** When the store last answered a complete look-up; undefined: never. Of several shards the oldest. */
  readonly lastAnswerAt: Instant | undefined;
  /** The token's first unanswered look-up since its last answer. */
  readonly firstUnansweredAt: Instant;
}

export type Evidence = ActiveEvidence | RevokedEvidence | UnknownEvidence;
