// Receives security events that a transmitter pushes (RFC 8935). It never acts on an event that is not signed by a
// configured transmitter for a configured audience, and acknowledges none before its markers are durable.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { sendProblem, type Room } from "../api/room.ts";
import type { Gate } from "../gate.ts";
import { actOnEvent, verifyEvent, type EventFault, type SecurityEvents } from "./security-event.ts";

export const SECURITY_EVENTS_PATH = "/ssf/events";

interface Parts {
  readonly room: Room;
  readonly gate: Gate;
  readonly events: SecurityEvents;
}

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
      return take(parts, request.body, request, reply);
    },
  );
}

async function take(
  { room, gate, events }: Parts,
  token: Buffer,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const verified = await verifyEvent(room, events, token, "stranger");
  if (!verified.ok) return sendFault(reply, verified.error);
  const limited = gate.chargeProved(request.raw, verified.value.signer.id);
  if (limited !== undefined) return sendProblem(reply, limited);
  const acted = await actOnEvent(room, events, verified.value);
  return acted.ok ? reply.code(202).send() : sendFault(reply, acted.error); // RFC 8935 §2.2
}

function sendFault(reply: FastifyReply, fault: EventFault): FastifyReply {
  switch (fault.kind) {
    case "again":
      return sendProblem(reply, fault.problem);
    case "refused": {
      const { err, description } = fault;
      return reply.code(400).header("content-language", "en").send({ err, description }); // RFC 8935 §2.3
    }
  }
}
