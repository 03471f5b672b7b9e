// Routes that revoke, list, show and lift. A 2xx to a write is sent only after the store has said "durable". What a
// revocation is done with is in revoke.ts.

import type { FastifyInstance, FastifyReply } from "fastify";
import { ok, type Result } from "../../core/result.ts";
import type { TargetKind } from "../../core/target.ts";
import { holdsToken } from "../../core/token-like.ts";
import type { LiftRefusal, StoredRevocation } from "../../revocation/store.ts";
import { nameInLog, scopeToLift, type Caller } from "../access.ts";
import { KEEP_ANSWER_MS } from "../idempotency.ts";
import { isPendingAnswer } from "../pending.ts";
import { faultOfReason, resolveIssuer } from "../new-revocation.ts";
import { invalid, readFault, UNKNOWN_CURSOR, writeFault, type Problem } from "../problem.ts";
import type { RevokeBody } from "../asked.ts";
import { revoke } from "../revoke.ts";
import { LIFT_BODY, LIST_QUERY, NEW_REVOCATION, REVOKE_HEADERS } from "../schemas.ts";
import { acknowledgedJson, revocationJson } from "../revocation-json.ts";
import { callerOf, lackOf, sendProblem, type Room } from "./room.ts";

interface ListParameters {
  readonly kind?: TargetKind;
  readonly issuer?: string;
  readonly id?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

const DEFAULT_LIMIT = 100;

const NO_SUCH_REVOCATION: Problem = { code: "not_found", detail: "No live revocation has this id." };

export function registerRevocations(app: FastifyInstance, room: Room): void {
  app.post<{ Body: RevokeBody }>(
    "/v1/revocations",
    { schema: { body: NEW_REVOCATION, headers: REVOKE_HEADERS } },
    async (request, reply) => {
      const key = request.headers["idempotency-key"];
      const outcome = await revoke(room, {
        caller: callerOf(request),
        body: request.body,
        once: typeof key === "string" ? { key, after: [], keepMs: KEEP_ANSWER_MS } : undefined,
        alone: "waits",
        answer: (stored, receipt) => JSON.stringify(acknowledgedJson(stored, receipt)),
      });
      if (!outcome.ok) return sendProblem(reply, outcome.error);
      return reply
        .code(isPendingAnswer(outcome.value) ? 202 : 201)
        .type("application/json")
        .send(outcome.value);
    },
  );
  app.get<{ Querystring: ListParameters }>(
    "/v1/revocations",
    { schema: { querystring: LIST_QUERY } },
    (request, reply) => list(room, request.query, reply),
  );
  app.get<{ Params: { id: string } }>("/v1/revocations/:id", async (request, reply) => {
    if (holdsToken(request.params.id)) return sendProblem(reply, NO_SUCH_REVOCATION);
    const found = await room.store.get(request.params.id);
    if (!found.ok) return sendProblem(reply, readFault(found.error));
    if (found.value === undefined) return sendProblem(reply, NO_SUCH_REVOCATION);
    return reply.send(revocationJson(found.value));
  });
  app.delete<{ Params: { id: string }; Body: { reason?: string } | undefined }>(
    "/v1/revocations/:id",
    { schema: { body: LIFT_BODY } },
    async (request, reply) => {
      const reason = request.body?.reason;
      const fault = reason === undefined ? undefined : faultOfReason(reason);
      if (fault !== undefined) return sendProblem(reply, invalid({ pointer: "/reason", detail: fault }));
      const problem = await lift(room, request.params.id, callerOf(request), reason);
      return problem === undefined ? reply.code(204).send() : sendProblem(reply, problem);
    },
  );
}

async function list(room: Room, query: ListParameters, reply: FastifyReply): Promise<FastifyReply> {
  const { kind, id, cursor } = query;
  const known = query.issuer === undefined ? ok(undefined) : resolveIssuer(query.issuer, room.issuers, "issuer");
  if (!known.ok) return sendProblem(reply, invalid(known.error));
  const issuer = known.value;
  const limit = query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit);
  const page = await room.store.list({ kind, issuer, id, limit, cursor });
  if (!page.ok) return sendProblem(reply, "detail" in page.error ? readFault(page.error) : UNKNOWN_CURSOR);
  return reply.send({ items: page.value.items.map(revocationJson), cursor: page.value.cursor });
}

/** `why`: for the audit trail; undefined: nobody said. */
async function lift(room: Room, id: string, caller: Caller, why: string | undefined): Promise<Problem | undefined> {
  if (holdsToken(id)) return NO_SUCH_REVOCATION; // a slip of the hand: it goes no further, not even to be looked for
  const found = await room.store.get(id);
  if (!found.ok) return readFault(found.error);
  if (found.value !== undefined) {
    const lack = lackOf(scopeToLift(caller, found.value), caller);
    const { kind } = found.value.target;
    if (lack !== undefined) {
      room.audit.refused({ actor: caller.name, action: "lift_refused", target: { kind }, reason: lack.code });
      return lack;
    }
  }
  // Asked even for an id that is not known: only the store tells replaced from never there.
  const lifted = await room.store.lift(id);
  await auditLift(room, id, caller, lifted.ok ? lifted.value : found.value, lifted, why);
  if (lifted.ok) {
    room.log.info("revocation_lifted", { id, kind: lifted.value.target.kind, by: nameInLog(caller) });
    return undefined;
  }
  if ("detail" in lifted.error) return writeFault(lifted.error);
  switch (lifted.error.cause) {
    case "not_found":
      return NO_SUCH_REVOCATION;
    case "superseded":
      return { code: "superseded", detail: "List the target's revocations to find the one that stands." };
  }
}

/** Nothing is told of an id that was not live: nothing happened. */
async function auditLift(
  room: Room,
  id: string,
  { name: actor }: Caller,
  revocation: StoredRevocation | undefined,
  lifted: Result<unknown, LiftRefusal>,
  why: string | undefined,
): Promise<void> {
  if (!lifted.ok && !("detail" in lifted.error)) return;
  const action = lifted.ok ? "lift" : "lift_unconfirmed";
  const { target } = revocation ?? {};
  const reason = why ?? revocation?.reason ?? "";
  await room.audit.record({ actor, action, target, reason, atMs: room.clock.now().wallMs, id, count: undefined });
}
