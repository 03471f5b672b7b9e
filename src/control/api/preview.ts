// Tells what a revocation would hit, from what the sidecars saw lately. Nothing is revoked by it.

import type { FastifyInstance } from "fastify";
import { err, ok, type Result } from "../../core/result.ts";
import { isWatermarkKind } from "../../core/target.ts";
import type { FleetBoard } from "../../revocation/fleet-board.ts";
import { markerKey } from "../../revocation/keys.ts";
import { RECENT_MS } from "../../revocation/preview/question.ts";
import { newRevocation, type NamedTarget } from "../new-revocation.ts";
import { preview, type Preview } from "../preview/preview.ts";
import { PREVIEW_REQUEST } from "../preview/schemas.ts";
import { invalid, readFault, type Problem } from "../problem.ts";
import { sendProblem, type Room } from "./room.ts";

/** As PREVIEW_REQUEST has it. */
interface PreviewBody {
  readonly target?: NamedTarget;
  readonly targets?: readonly NamedTarget[];
  readonly issuedBefore?: number;
}

export const PREVIEW_PATH = "/v1/revocations/preview";

const MAX_NAMED_MISSING = 100;

const FULL: Problem = {
  code: "too_many_requests",
  detail: "Too many previews are under way.",
  headers: { "retry-after": "3" },
};

export function registerPreview(app: FastifyInstance, room: Room, board: FleetBoard): void {
  app.post<{ Body: PreviewBody }>(PREVIEW_PATH, { schema: { body: PREVIEW_REQUEST } }, async (request, reply) => {
    const meant = meaningOf(request.body, room);
    if (!meant.ok) return sendProblem(reply, meant.error);
    const found = await preview(board, room.clock, meant.value.keys, meant.value.issuedBeforeS);
    if (found.ok) return reply.send(previewJson(found.value));
    return sendProblem(reply, found.error === "full" ? FULL : readFault(found.error));
  });
}

interface Meaning {
  readonly keys: readonly string[];
  readonly issuedBeforeS: number | undefined;
}

/** The targets as a revocation would take them, and refused as it would refuse them. */
function meaningOf({ target, targets, issuedBefore }: PreviewBody, room: Room): Result<Meaning, Problem> {
  const named = targets ?? (target === undefined ? [] : [target]);
  const asking = { id: "preview", by: "preview", nowMs: room.clock.now().wallMs };
  const keys: string[] = [];
  let issuedBeforeS: number | undefined;
  for (const [i, one] of named.entries()) {
    const asked = { target: one, reason: "preview", ...(issuedBefore === undefined ? {} : { issuedBefore }) };
    const meant = newRevocation(asked, room.issuers, asking);
    if (!meant.ok) {
      const { pointer, detail } = meant.error;
      return err(
        invalid({ pointer: targets === undefined ? pointer : pointer.replace("/target", `/targets/${i}`), detail }),
      );
    }
    keys.push(markerKey(room.keyPrefix, meant.value.target));
    ({ issuedBeforeS } = meant.value);
  }
  // Tokens that die whenever they were issued are not to be left out for the sake of others beside them.
  return ok({ keys, issuedBeforeS: named.every(({ kind }) => isWatermarkKind(kind)) ? issuedBeforeS : undefined });
}

function previewJson({ tokens, sessions, users, liveCount, answeredCount, missing, backMs }: Preview): object {
  return {
    tokens: tokens.count,
    sessions: sessions.count,
    users: users.count,
    exact: tokens.isExact && sessions.isExact && users.isExact,
    within_ms: RECENT_MS,
    coverage: {
      live: liveCount,
      answered: answeredCount,
      missing: missing.slice(0, MAX_NAMED_MISSING),
      back_ms: backMs ?? null,
    },
  };
}
