// The port through which rooms report what happened; telemetry implements it. Labels are closed sets or
// configured names: never a subject, a token or a path.

import type { Instant } from "./clock.ts";
import type { DenyReason } from "./deny-reason.ts";
import type { RevokedBy, EvidenceSource, UnknownCause } from "./evidence.ts";
import type { SenderFlaw } from "./possession.ts";
import type { TargetKind } from "./target.ts";
import type { Assurance } from "./verdict.ts";

/** The recorded verdict of one Check with its inputs. Strings for the log are marked; they are never labels. */
export interface Decision {
  readonly outcome: "allow" | "deny";
  readonly reason: DenyReason | "ok";
  readonly tier: string | undefined;
  readonly assurance: Assurance | undefined;
  readonly stalenessMs: number | undefined;
  readonly issuerId: string | undefined;
  /** Index or name of the matched rule. */
  readonly rule: string | undefined;
  readonly revokedBy: RevokedBy | undefined;
  /** Why its caller was not taken for whom the token is bound to. */
  readonly senderFlaw: SenderFlaw | undefined;
  /** Why it would have been refused, had it not been only observed. */
  readonly wouldDeny: DenyReason | undefined;
  /** When its answer had been handed over. */
  readonly endedAt: Instant;
  readonly durationMs: number;
  /** Log only. */
  readonly method: string | undefined;
  /** Log only: canonical path without the query; undefined where it was refused as ambiguous. */
  readonly path: string | undefined;
  /** Log only, hashed there unless configured otherwise. */
  readonly subject: string | undefined;
  /** Log only: 32 hex digits of the sampled trace. */
  readonly traceId: string | undefined;
}

export type BreakerStateName = "closed" | "open" | "half-open";

/** What a replica tells of itself. */
export interface ReplicaFacts {
  /** Of its position, epoch ms; undefined: none yet. */
  readonly positionWallMs: number | undefined;
  readonly entryCount: number;
  /** Of the last feed entry applied. */
  readonly seq: number;
  /** Markers' keys of another type than a string, found by the last whole scan. */
  readonly wrongTypeCount: number;
}

/** The fleet as its sidecars report it; undefined where that cannot be told now. */
export interface FleetFacts {
  readonly sidecarsByBreaker: Readonly<Record<BreakerStateName, number>>;
  /** Of these: no replica that has ever proved itself current. */
  readonly unprovedCount: number;
  /** Of the others; 0 where there are none. */
  readonly lagMaxMs: number;
}

/** What was done to bring the store back to what the system of record says; `failed`: it is tried again. */
export const RECORD_REPAIRS = ["restored", "lifted_again", "failed"] as const;
export type RecordRepair = (typeof RECORD_REPAIRS)[number];

/** What a control plane with a system of record reports. */
export interface RecordObserver {
  recordUp(up: boolean): void;
  recordRepaired(repair: RecordRepair): void;
}

/** What a control plane reports of its relay. */
export interface RelayObserver {
  /** So many sidecars follow it now. */
  relayFollowedBy(count: number): void;
}

/** What came of an event from Kafka. */
export const KAFKA_RESULTS = [
  "revoked",
  /** It came before. */
  "repeated",
  /** It waits for a second person. */
  "pending",
  /** It asks for nothing. */
  "ignored",
  /** No token that it means lives any more. */
  "outdated",
  "malformed",
  /** Its sender may not, or there is no such sender. */
  "not_allowed",
  /** It can't be done as asked. */
  "refused",
  /** A bug met it, each time it was tried. */
  "failed",
] as const;
export type KafkaResult = (typeof KAFKA_RESULTS)[number];

export const KAFKA_ROLES = ["publish", "consume"] as const;
export type KafkaRole = (typeof KAFKA_ROLES)[number];

/** Why events are missing from what is published: forgotten before, or of a log that is another now. */
export const KAFKA_GAPS = ["forgotten", "replaced"] as const;
export type KafkaGap = (typeof KAFKA_GAPS)[number];

/** What a control plane at Kafka reports. */
export interface KafkaObserver {
  /** Whether it gets on. */
  kafkaUp(role: KafkaRole, up: boolean): void;
  /** So many events were acknowledged by Kafka, or not. */
  published(result: "ok" | "error", count: number): void;
  /** Age of the oldest event that Kafka does not take; 0: it has all. */
  publicationLags(ms: number): void;
  publicationMissed(why: KafkaGap): void;
  consumed(result: KafkaResult): void;
  deadLettered(result: "written" | "failed"): void;
}

export interface Observer {
  decided(decision: Decision): void;
  verified(algorithm: string, durationMs: number): void;
  verifiedTokenCache(result: "hit" | "miss" | "stale"): void;
  /** `durationMs` of the look-up as its caller saw it; 0 for memory. */
  lookedUp(source: EvidenceSource, result: "active" | "revoked" | "unknown", durationMs: number): void;
  batchSent(keyCount: number): void;
  storeFailed(cause: UnknownCause): void;
  storeUp(up: boolean): void;
  breakerIs(state: BreakerStateName): void;
  replicaIs(facts: ReplicaFacts): void;
  revokedTokenAttempted(kind: TargetKind): void;
  jwksFetched(issuerId: string, result: "ok" | "error" | "refused"): void;
  /** A key of a JWKS was dropped, and why. */
  jwksKeyDropped(issuerId: string, why: string): void;
  /** The issuer was asked about an opaque token; `error`: it did not answer, or not as it should. */
  introspected(issuerId: string, result: "active" | "inactive" | "error"): void;
  /** When the issuer's key set was last read whole, on the wall clock. */
  jwksReadAt(issuerId: string, wallMs: number): void;
  /** So many entries of the audit trail could not be stored at once; they are tried again. */
  auditFailed(count: number): void;
  /** What was done or refused through the control API, so many times; 0 names an action that may come. */
  audited(action: string, count: number): void;
  configReloaded(result: "ok" | "refused"): void;
  /** Whether this process lets through what it would refuse. */
  observing(isObserving: boolean): void;
  /** Seconds by which a token's iat lay ahead of our clock; 0: it did not. */
  issuerClockAhead(issuerId: string, seconds: number): void;
}
