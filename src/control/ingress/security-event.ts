// Takes one security event token, however it came: verifies it and revokes what it asks for. It says "taken" only when
// the markers are durable, or when there is nothing to revoke.

import type { DenyReason } from "../../core/deny-reason.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { SecurityEventToken } from "../../token/security-event-token.ts";
import type { Sender, VerifyStatement } from "../../token/sender.ts";
import type { Verified } from "../../token/verification.ts";
import type { Room } from "../api/room.ts";
import { KEEP_ANSWER_MS } from "../idempotency.ts";
import { statusOf, type Problem } from "../problem.ts";
import { CANNOT_TELL, isUntold } from "./answers.ts";
import { meaningOf, type Meaning } from "./event-meaning.ts";
import { revokeOnce } from "./once.ts";
import type { StreamVerification } from "./stream-verification.ts";

export interface SecurityEvents {
  readonly verify: VerifyStatement<SecurityEventToken>;
  /** Of the issuers that transmitters speak of: `iss` by short id. */
  readonly issuerNames: ReadonlyMap<string, string>;
  readonly subjectFormats: readonly string[];
  /** Of the transmitters that are asked to verify their stream, by their names. */
  readonly verifications: ReadonlyMap<string, StreamVerification>;
}

/** RFC 8935 §2.4, and what Shared Signals 1.0 §8.1.4.1 adds to it. */
type EventError =
  | "invalid_request"
  | "invalid_key"
  | "invalid_issuer"
  | "invalid_audience"
  | "authentication_failed"
  | "invalid_state";

export type EventFault =
  /** Nobody's fault: the same token may be taken later. */
  | { readonly kind: "again"; readonly problem: Problem }
  /** The token itself is no good; the words are for people, and repeat nothing of it. */
  | { readonly kind: "refused"; readonly err: EventError; readonly description: string };

export type VerifiedEvent = Verified<Sender, SecurityEventToken>;

/** `actor`: who brought it, for the audit trail. */
export async function verifyEvent(
  { audit }: Pick<Room, "audit">,
  { verify }: SecurityEvents,
  token: Buffer,
  actor: string,
): Promise<Result<VerifiedEvent, EventFault>> {
  const verified = await verify(token);
  if (verified.ok) return verified;
  const { reason } = verified.error;
  if (isUntold(verified.error)) return err({ kind: "again", problem: CANNOT_TELL });
  audit.refused({ actor, action: "access_refused", target: undefined, reason });
  return refuse(ERRORS[reason] ?? "invalid_request", `The security event token is not good here: ${reason}.`);
}

export async function actOnEvent(
  room: Room,
  { issuerNames, subjectFormats, verifications }: SecurityEvents,
  { content, signer: { id: by, revokes } }: VerifiedEvent,
): Promise<Result<void, EventFault>> {
  const issuerIds = new Map([[issuerNames.get(revokes) ?? "", revokes]]);
  const meaning = meaningOf(content, { issuerIds, fallback: revokes, subjectFormats });
  if (!meaning.ok) {
    room.log.warn("security_event_refused", { transmitter: by, why: meaning.error });
    return refuse("invalid_request", meaning.error);
  }
  const { targets, known, unknownCount, verification } = meaning.value;
  room.log.info("security_event", { transmitter: by, events: known, unknownCount, targetCount: targets.length });
  if (verification !== undefined) {
    const heard = await verifications.get(by)?.heard(room, verification.state, content.subject);
    if (heard === "unexpected") return refuse("invalid_state", "Nobody here asked for a verification by that state.");
    if (heard === "unknown") return err({ kind: "again", problem: CANNOT_TELL });
  }
  if (targets.length === 0) return ok(undefined);
  const { tokenId, issuedAtS } = content;
  const reason = reasonOf(meaning.value);
  const done = await revokeOnce(room, { by, tokenId, targets, reason, issuedAtS, keepMs: KEEP_ANSWER_MS });
  if (done.ok) return ok(undefined);
  if (statusOf(done.error) >= 500) return err({ kind: "again", problem: done.error });
  return refuse("invalid_request", "The token's jti or subject cannot be acted on.");
}

function reasonOf({ known }: Meaning): string {
  return `Shared Signals: ${known.join(", ")}`;
}

function refuse(code: EventError, description: string): Result<never, EventFault> {
  return err({ kind: "refused", err: code, description });
}

/** What is not here is wrong with the token as such. */
const ERRORS: Partial<Readonly<Record<DenyReason, EventError>>> = {
  unknown_issuer: "invalid_issuer",
  wrong_audience: "invalid_audience",
  unknown_key: "invalid_key",
  algorithm_not_allowed: "invalid_key",
  bad_signature: "authentication_failed",
};
