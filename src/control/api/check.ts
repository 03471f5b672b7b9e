// Tells whether one target stands revoked, by reading the very key that a Check reads. It judges no token: a user
// may be free while his tenant is not.

import type { FastifyInstance } from "fastify";
import { isWatermarkKind } from "../../core/target.ts";
import { readWatermark } from "../../revocation/judge.ts";
import { markerKey } from "../../revocation/keys.ts";
import { markerFacts } from "../../revocation/marker-facts.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { resolveTarget, type NamedTarget } from "../new-revocation.ts";
import { invalid, readFault, type Problem } from "../problem.ts";
import { CHECK_QUERY } from "../schemas.ts";
import { sendProblem, type Room } from "./room.ts";

/** One look-up of an administrator, who would rather wait than be told to ask again. */
const READ_TIMEOUT_MS = 1_000;

interface CheckAnswer {
  readonly revoked: boolean;
  readonly id?: string | undefined;
  readonly since?: number | undefined;
  readonly issued_before?: number | undefined;
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
}

export function registerCheck(app: FastifyInstance, room: Room): void {
  app.get<{ Querystring: NamedTarget }>(
    "/v1/check",
    { schema: { querystring: CHECK_QUERY } },
    async (request, reply) => {
      const answer = await check(room, request.query);
      return answer.ok ? reply.send(answer.value) : sendProblem(reply, answer.error);
    },
  );
}

async function check(room: Room, named: NamedTarget): Promise<Result<CheckAnswer, Problem>> {
  const target = resolveTarget(named, room.issuers, "");
  if (!target.ok) return err(invalid(target.error));
  const read = await room.store.read([markerKey(room.keyPrefix, target.value)], READ_TIMEOUT_MS);
  if (!read.ok) return err(readFault(read.error));
  const value = read.value[0] ?? null;
  if (value === null) return ok({ revoked: false });
  const { id, atMs: since, by, reason } = markerFacts(value);
  const facts = { id, since, by, reason };
  if (!isWatermarkKind(named.kind)) return ok({ revoked: true, ...facts });
  const issuedBefore = readWatermark(value);
  if (issuedBefore !== undefined) return ok({ revoked: true, ...facts, issued_before: issuedBefore });
  return err({
    code: "unreadable",
    detail:
      "The target's watermark is neither a bare integer nor ours: until it is mended its tokens are refused with 503.",
  });
}
