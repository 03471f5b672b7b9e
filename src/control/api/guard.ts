// Lets nobody in whom the gate does not know, or who may do nothing of the kind, and has both written down.

import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ControlScope } from "../../core/control-scope.ts";
import type { AuditTrail } from "../audit/trail.ts";
import type { Gate } from "../gate.ts";
import { statusOf, type Problem } from "../problem.ts";
import { CALLER, lackOf, sendProblem } from "./room.ts";

/** Not so of a store that is out: then nobody was told that he may not. */
function isRefusal(problem: Problem): boolean {
  return statusOf(problem) < 500;
}

/** Without it nothing can be done on the route, whatever the request says. */
function leastScope({ routeOptions, method }: FastifyRequest): ControlScope {
  const { scope } = routeOptions.config as { readonly scope?: ControlScope };
  return scope ?? (method === "GET" || method === "HEAD" ? "portcullis:read" : "portcullis:revoke");
}

/** Nothing of what is guarded is parsed, let alone done, for a caller who is unknown or may do nothing of the kind. */
export function guard(v1: FastifyInstance, gate: Gate, audit: AuditTrail): void {
  const refused = (actor: string, { code: reason }: Problem): void =>
    audit.refused({ actor, action: "access_refused", target: undefined, reason });
  v1.decorateRequest(CALLER);
  v1.addHook("onRequest", async (request, reply) => {
    const { watches = false } = request.routeOptions.config as { readonly watches?: boolean };
    const caller = await gate.enter(request.raw, watches);
    if (!caller.ok) {
      if (isRefusal(caller.error)) refused("stranger", caller.error);
      return sendProblem(reply, caller.error);
    }
    const lack = lackOf(leastScope(request), caller.value);
    if (lack !== undefined) {
      refused(caller.value.name, lack);
      return sendProblem(reply, lack);
    }
    request.setDecorator(CALLER, caller.value);
    return undefined;
  });
}
