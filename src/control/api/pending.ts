// Routes for what waits for a second person: list, approve, withdraw.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { faultOfReason } from "../new-revocation.ts";
import { approvalOnce, approveWaiting, listPending, noLongerWaits, pendingJson, withdraw } from "../pending.ts";
import { invalid } from "../problem.ts";
import { revoke } from "../revoke.ts";
import { acknowledgedJson } from "../revocation-json.ts";
import { DECISION_BODY } from "../schemas.ts";
import { callerOf, sendProblem, type Room } from "./room.ts";

type OfOne = { Params: { id: string }; Body: { readonly reason: string } };
type Decided = FastifyRequest<OfOne>;

export function registerPending(app: FastifyInstance, room: Room): void {
  app.get("/v1/revocations/pending", async (_request, reply) => {
    const found = await listPending(room);
    return found.ok ? reply.send({ items: found.value.map(pendingJson) }) : sendProblem(reply, found.error);
  });
  app.post<OfOne>(
    "/v1/revocations/pending/:id/approve",
    { config: { scope: "portcullis:admin" }, schema: { body: DECISION_BODY }, preHandler: refuseReason },
    async (request, reply) => {
      const approver = callerOf(request);
      const approved = await approveWaiting(room, request.params.id, approver, request.body.reason);
      if (!approved.ok) return sendProblem(reply, approved.error);
      const outcome = await revoke(room, {
        // The one who asked for it, with what the one who approved it may do.
        caller: { name: approved.value.by, scopes: approver.scopes },
        body: approved.value.body,
        once: approvalOnce(approved.value),
        answer: (stored, receipt) => JSON.stringify(acknowledgedJson(stored, receipt)),
      });
      if (!outcome.ok) return sendProblem(reply, outcome.error);
      await noLongerWaits(room, approved.value);
      return reply.code(201).type("application/json").send(outcome.value);
    },
  );
  app.delete<OfOne>(
    "/v1/revocations/pending/:id",
    { schema: { body: DECISION_BODY }, preHandler: refuseReason },
    async (request, reply) => {
      const problem = await withdraw(room, request.params.id, callerOf(request), request.body.reason);
      return problem === undefined ? reply.code(204).send() : sendProblem(reply, problem);
    },
  );
}

/** Answers where the reason is none. */
async function refuseReason({ body }: Decided, reply: FastifyReply): Promise<FastifyReply | undefined> {
  const fault = faultOfReason(body.reason);
  return fault === undefined ? undefined : sendProblem(reply, invalid({ pointer: "/reason", detail: fault }));
}
