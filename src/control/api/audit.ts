// The routes of the audit trail: read it newest first, and have its chains walked. Nothing here writes to it.

import type { FastifyInstance } from "fastify";
import type { AuditItem } from "../audit/reader.ts";
import type { AuditVerdict } from "../audit/trail.ts";
import { AUDIT_QUERY } from "../audit/schemas.ts";
import { sendProblem, type Room } from "./room.ts";

interface AuditParameters {
  readonly limit?: string;
  readonly cursor?: string;
}

const DEFAULT_LIMIT = 100;

export function registerAudit(app: FastifyInstance, { audit }: Room): void {
  app.get<{ Querystring: AuditParameters }>(
    "/v1/audit",
    { schema: { querystring: AUDIT_QUERY } },
    async ({ query }, reply) => {
      const page = await audit.page(query.limit === undefined ? DEFAULT_LIMIT : Number(query.limit), query.cursor);
      if (!page.ok) return sendProblem(reply, page.error);
      return reply.send({ items: page.value.items.map(itemJson), cursor: page.value.cursor });
    },
  );
  app.get("/v1/audit/verify", async (_request, reply) => {
    const verdict = await audit.verify();
    return verdict.ok ? reply.send(verdictJson(verdict.value)) : sendProblem(reply, verdict.error);
  });
}

/** What stands in the trail and is no entry of ours is shown as such: somebody else wrote there. */
function itemJson({ chain, seq, entry }: AuditItem): Readonly<Record<string, unknown>> {
  if (entry === undefined) return { action: "unreadable", chain, seq };
  const { actor, action, target, reason, at, id, count } = entry;
  return { actor, action, target, reason, at, id, count, chain, seq };
}

function verdictJson({ chains, lostCount }: AuditVerdict): Readonly<Record<string, unknown>> {
  return {
    valid: chains.every(({ broken }) => broken === undefined),
    entries: chains.reduce((sum, { entries }) => sum + entries, 0),
    chains,
    lost: lostCount,
  };
}
