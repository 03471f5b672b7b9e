// Answers calls by a method that a path does not take.

import type { FastifyInstance } from "fastify";
import type { Gate } from "../gate.ts";
import { sendProblem } from "./room.ts";

/** Before the body is read: what cannot be done needs no body. */
export function refuseOtherMethods(app: FastifyInstance, gate: Gate, url: string, allowed: readonly string[]): void {
  app.route({
    method: app.supportedMethods.filter((candidate) => !allowed.includes(candidate)),
    url,
    onRequest: async (request, reply) =>
      sendProblem(
        reply,
        gate.chargeStranger(request.raw) ?? { code: "method_not_allowed", headers: { allow: allowed.join(", ") } },
      ),
    handler: () => undefined,
  });
}
