// Ends all that users began before now, for a caller who may revoke and knows them by subject identifiers (RFC 9493) only
// (draft-parecki-oauth-global-token-revocation). Who calls was judged before; it names users, and nothing smaller.

import type { FastifyInstance } from "fastify";
import { callerOf, sendProblem, type Room } from "../api/room.ts";
import type { JsonSchema } from "../json-schema.ts";
import { revoke } from "../revoke.ts";
import { targetsNamed, type Directory } from "./subject-identifier.ts";

export const GLOBAL_REVOCATION_PATH = "/global-token-revocation";

export const GLOBAL_REVOCATION: JsonSchema = {
  type: "object",
  required: ["sub_id"],
  properties: {
    sub_id: {
      type: "object",
      required: ["format"],
      properties: { format: { type: "string" } },
      description: "A subject identifier (RFC 9493). Formats that are not known here are refused with 422.",
    },
  },
};

const REASON = "Global token revocation";

export function registerGlobalRevocation(app: FastifyInstance, room: Room, directory: Directory): void {
  app.post<{ Body: { readonly sub_id: unknown } }>(
    GLOBAL_REVOCATION_PATH,
    { schema: { body: GLOBAL_REVOCATION }, config: { scope: "portcullis:revoke" } },
    async (request, reply) => {
      const named = targetsNamed(request.body.sub_id, directory);
      if (!named.ok) return sendProblem(reply, { code: "invalid_request", detail: named.error });
      if (named.value.some(({ kind }) => kind !== "user")) {
        return sendProblem(reply, { code: "invalid_request", detail: "The subject is no user." });
      }
      for (const target of named.value) {
        const body = { target, reason: REASON };
        const caller = callerOf(request);
        const revoked = await revoke(room, { caller, body, once: undefined, alone: "refused", answer: () => "" });
        if (!revoked.ok) return sendProblem(reply, revoked.error);
      }
      return reply.code(204).send();
    },
  );
}
