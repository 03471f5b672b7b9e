// How the ways in say no in the words of their standards. None of the texts tells what the caller sent.

import type { FastifyReply } from "fastify";
import type { VerifyFailure } from "../../token/verification.ts";
import { faultOf } from "../access-token.ts";
import type { Problem } from "../problem.ts";

/** RFC 6749 §5.2, RFC 7009 §2.2.1. */
type OauthError = "invalid_request" | "invalid_grant" | "unsupported_token_type";

/** The error of an OAuth endpoint (RFC 6749 §5.2). */
export function sendOauthError(reply: FastifyReply, error: OauthError, description: string): FastifyReply {
  return reply.code(400).send({ error, error_description: description });
}

/** Nobody's fault: what was sent can't be judged now, and may be sent again. */
export const CANNOT_TELL: Problem = {
  code: "unavailable",
  detail: "It cannot be told now whether what was sent is good: try again.",
  headers: { "retry-after": "1" },
};

/** Whether CANNOT_TELL is the answer: another reader of the issuer's keys may find good what failed here. */
export function isUntold({ reason, isKeyUnread }: VerifyFailure): boolean {
  return isKeyUnread === true || faultOf(reason).cause === "unavailable";
}
