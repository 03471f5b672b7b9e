// What Redis keeps beside the markers: the feed that replicas read, and for the control plane only the index of
// revocations by id, answers by idempotency key, and what sidecars report. Of all that a look-up reads who vouches for the
// server.

import { createHash } from "node:crypto";
import type { Target } from "../../core/target.ts";
import { markerKey } from "../keys.ts";
import type { IdempotentAnswer, StoredRevocation } from "../store.ts";
import { targetOfKey } from "../marker-keys.ts";

export function indexKey(keyPrefix: string, id: string): string {
  return `${keyPrefix}portcullis:revocation:${id}`;
}

/** Where the feed stands. In one slot of a Cluster with its log. */
export function feedHeadKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{feed}:head`;
}

/** The feed's newest entries, a stream. */
export function feedLogKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{feed}:log`;
}

/** The run id of the server that control planes last found to hold all they remember. Asked along with look-ups. */
export function vouchedKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{feed}:vouched`;
}

/** There, with an expiry, while a control plane runs that remembers. Asked along with look-ups. */
export function keeperKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{feed}:keeper`;
}

/** Where each chain of the audit trail ends, a hash; and the chains themselves, streams in its slot. */
export function auditHeadsKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{audit}:heads`;
}

export function auditLogKey(keyPrefix: string, chain: number): string {
  return `${keyPrefix}portcullis:{audit}:log:${chain}`;
}

/** What the chains are signed with, where no file holds it. */
export function auditKeyKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{audit}:key`;
}

/** When which sidecar last reported. In one slot of a Cluster with the reports. */
export function fleetSeenKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{fleet}:seen`;
}

/** What is asked of the fleet. In one slot of a Cluster with the reports. */
export function fleetQuestionsKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{fleet}:questions`;
}

export function fleetReportsKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{fleet}:reports`;
}

/** Until when each request waits for approval. In one slot of a Cluster with the requests. */
export function pendingUntilKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{pending}:until`;
}

export function pendingTextsKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:{pending}:requests`;
}

/** Whose turn it is to publish the log elsewhere, and how far that is done, a hash. */
export function publicationKey(keyPrefix: string): string {
  return `${keyPrefix}portcullis:publication`;
}

/** Hashed, for the client chooses the key. */
export function idempotencyKey(keyPrefix: string, key: string): string {
  return `${keyPrefix}portcullis:idempotency:${createHash("sha256").update(key, "utf8").digest("hex")}`;
}

/** Which marker a revocation's id belongs to, and whom it means where the key holds only a hash. */
export interface IndexEntry {
  readonly key: string;
  readonly target: Target;
}

export function indexValue(revocation: StoredRevocation, key: string): string {
  return JSON.stringify({
    v: 1,
    key,
    target: revocation.target,
    seq: revocation.seq,
    issued_before: revocation.issuedBeforeS,
    expires_at: revocation.expiresAtMs,
    reason: revocation.reason,
    by: revocation.by,
    at: revocation.atMs,
  });
}

/** Undefined where the value is not one of ours. */
export function readIndex(keyPrefix: string, value: unknown): IndexEntry | undefined {
  const entry = parsed(value);
  const key = entry?.["key"];
  const named = typeof key === "string" ? targetOfKey(keyPrefix, key) : undefined;
  if (typeof key !== "string" || named === undefined) return undefined;
  if (!("id" in named)) return { key, target: named };
  const id = nameIn(entry?.["target"]);
  if (id === undefined) return undefined;
  const target = { ...named, id };
  return markerKey(keyPrefix, target) === key ? { key, target } : undefined;
}

function nameIn(target: unknown): string | undefined {
  const id = typeof target === "object" && target !== null && "id" in target ? target.id : undefined;
  return typeof id === "string" ? id : undefined;
}

export function answerValue(answer: IdempotentAnswer): string {
  return JSON.stringify({ fingerprint: answer.fingerprint, answer: answer.answer });
}

/** Undefined where the value is not one of ours. */
export function readAnswer(value: unknown): IdempotentAnswer | undefined {
  const entry = parsed(value);
  const fingerprint = entry?.["fingerprint"];
  const answer = entry?.["answer"];
  return typeof fingerprint === "string" && typeof answer === "string" ? { fingerprint, answer } : undefined;
}

function parsed(value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== "string") return undefined;
  try {
    const found: unknown = JSON.parse(value);
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
