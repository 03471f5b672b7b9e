// Revokes what one signed statement asks for, once: the same statement again is answered alike and revokes nothing
// anew, though somebody has lifted it meanwhile. What is remembered of it is kept in the store, for a time.

import { err, ok, type Result } from "../../core/result.ts";
import type { Target } from "../../core/target.ts";
import type { Room } from "../api/room.ts";
import { answerOnce } from "../idempotency.ts";
import { MAX_AHEAD_S } from "../new-revocation.ts";
import type { Problem } from "../problem.ts";
import { revoke } from "../revoke.ts";
import { CANNOT_TELL } from "./answers.ts";

export interface Statement {
  /** Whose word it is, for the audit trail: no name that a caller of the API can have. */
  readonly by: string;
  /** Its jti: unique for its sender. */
  readonly tokenId: string;
  readonly targets: readonly Target[];
  readonly reason: string;
  /** Epoch seconds, by its sender's clock. */
  readonly issuedAtS: number;
  /** How long its jti is remembered. */
  readonly keepMs: number;
}

/** Never empty: an empty answer would free the jti. */
const DONE = "done";

/** Returns once every marker is durable; a problem of status 4xx means that the statement itself is no good. */
export async function revokeOnce(room: Room, statement: Statement): Promise<Result<void, Problem>> {
  const { by, tokenId, targets, keepMs } = statement;
  const once = { caller: by, key: tokenId, request: targets.map(({ kind, ...rest }) => [kind, rest]), keepMs };
  const outcome = await answerOnce(room.store, once, () => revokeAll(room, statement));
  if (outcome.ok) return ok(undefined);
  // Sent twice at once: the other one has the word, and nobody knows yet what it is.
  return err(outcome.error.code === "request_in_progress" ? CANNOT_TELL : outcome.error);
}

async function revokeAll(room: Room, statement: Statement): Promise<Result<string, Problem>> {
  const { by, reason, issuedAtS, targets } = statement;
  const caller = { name: by, scopes: ["portcullis:revoke"] };
  for (const target of targets) {
    const issuedBefore = target.kind === "user" ? { issuedBefore: secondAfter(room, issuedAtS) } : {};
    const body = { target, reason, ...issuedBefore };
    const revoked = await revoke(room, { caller, body, once: undefined, answer: () => DONE });
    if (!revoked.ok) return revoked;
  }
  return ok(DONE);
}

/**
 * Tokens issued within the second of the statement are meant too. It is the sender's second, not ours: a
 * statement that was long under way must not end what was begun after it.
 */
function secondAfter(room: Room, issuedAtS: number): number {
  return Math.min(Math.floor(issuedAtS) + 1, Math.floor(room.clock.now().wallMs / 1_000) + MAX_AHEAD_S);
}
