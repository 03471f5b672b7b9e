// Receives security events that a transmitter pushes (RFC 8935), and revokes what they ask for. It never acts on an event
// that is not signed by a configured transmitter for a configured audience, and acknowledges none before its markers are
// durable.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { DenyReason } from "../../core/deny-reason.ts";
import type { SecurityEventToken } from "../../token/security-event-token.ts";
import type { Sender, VerifyStatement } from "../../token/sender.ts";
import type { Verified } from "../../token/verification.ts";
import { sendProblem, type Room } from "../api/room.ts";
import type { Gate } from "../gate.ts";
import { KEEP_ANSWER_MS } from "../idempotency.ts";
import { statusOf } from "../problem.ts";
import { CANNOT_TELL, isUntold } from "./answers.ts";
import { meaningOf, type Meaning } from "./event-meaning.ts";
import { revokeOnce } from "./once.ts";

export const SECURITY_EVENTS_PATH = "/ssf/events";

export interface SecurityEvents {
  readonly verify: VerifyStatement<SecurityEventToken>;
  /** Of the issuers that transmitters speak of: `iss` by short id. */
  readonly issuerNames: ReadonlyMap<string, string>;
  readonly subjectFormats: readonly string[];
}

interface Parts extends SecurityEvents {
  readonly room: Room;
  readonly gate: Gate;
}

/** RFC 8935 §2.4. */
type EventError = "invalid_request" | "invalid_key" | "invalid_issuer" | "invalid_audience" | "authentication_failed";

export function registerSecurityEvents(app: FastifyInstance, parts: Parts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/secevent+jwt", { parseAs: "buffer" }, (_request, body, done) =>
    done(null, body),
  );
  app.post<{ Body: Buffer | undefined }>(
    SECURITY_EVENTS_PATH,
    {
      onRequest: async (request, reply) => {
        const limited = parts.gate.chargeStranger(request.raw);
        return limited === undefined ? undefined : sendProblem(reply, limited);
      },
    },
    async (request, reply) => {
      if (request.body === undefined) return sendProblem(reply, { code: "unsupported_media_type" });
      const verified = await parts.verify(request.body);
      if (verified.ok) return act(parts, verified.value, request, reply);
      const { reason } = verified.error;
      if (isUntold(verified.error)) return sendProblem(reply, CANNOT_TELL);
      parts.room.audit.refused({ actor: "stranger", action: "access_refused", target: undefined, reason });
      return sendEventError(
        reply,
        ERRORS[reason] ?? "invalid_request",
        `The security event token is not good here: ${reason}.`,
      );
    },
  );
}

async function act(
  { gate, issuerNames, room, subjectFormats }: Parts,
  { content, signer }: Verified<Sender, SecurityEventToken>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { id: by, revokes } = signer;
  const limited = gate.chargeProved(request.raw, by);
  if (limited !== undefined) return sendProblem(reply, limited);
  const issuerIds = new Map([[issuerNames.get(revokes) ?? "", revokes]]);
  const meaning = meaningOf(content, { issuerIds, fallback: revokes, subjectFormats });
  if (!meaning.ok) {
    room.log.warn("security_event_refused", { transmitter: by, why: meaning.error });
    return sendEventError(reply, "invalid_request", meaning.error);
  }
  const { targets, known, unknownCount } = meaning.value;
  room.log.info("security_event", { transmitter: by, events: known, unknownCount, targetCount: targets.length });
  if (targets.length === 0) return accepted(reply);
  const { tokenId, issuedAtS } = content;
  const reason = reasonOf(meaning.value);
  const done = await revokeOnce(room, { by, tokenId, targets, reason, issuedAtS, keepMs: KEEP_ANSWER_MS });
  if (done.ok) return accepted(reply);
  if (statusOf(done.error) >= 500) return sendProblem(reply, done.error);
  return sendEventError(reply, "invalid_request", "The token's jti or subject cannot be acted on.");
}

function reasonOf({ known }: Meaning): string {
  return `Shared Signals: ${known.join(", ")}`;
}

/** RFC 8935 §2.2. */
function accepted(reply: FastifyReply): FastifyReply {
  return reply.code(202).send();
}

/** RFC 8935 §2.3. */
function sendEventError(reply: FastifyReply, err: EventError, description: string): FastifyReply {
  return reply.code(400).header("content-language", "en").send({ err, description });
}

/** What is not here is wrong with the token as such. */
const ERRORS: Partial<Readonly<Record<DenyReason, EventError>>> = {
  unknown_issuer: "invalid_issuer",
  wrong_audience: "invalid_audience",
  unknown_key: "invalid_key",
  algorithm_not_allowed: "invalid_key",
  bad_signature: "authentication_failed",
};
