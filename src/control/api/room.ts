// What every route of the control API stands on, and how a route answers.

import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../core/clock.ts";
import type { ControlScope } from "../../core/control-scope.ts";
import type { Log } from "../../core/log.ts";
import type { TargetKind } from "../../core/target.ts";
import type { PendingStore } from "../../revocation/pending-store.ts";
import type { MarkerReader, RevocationWriter } from "../../revocation/store.ts";
import { holds, type Caller } from "../access.ts";
import type { AuditTrail } from "../audit/trail.ts";
import type { FleetWatch } from "../fleet/receipt.ts";
import type { IssuerLimits } from "../new-revocation.ts";
import { PROBLEM_MEDIA_TYPE, problemBody, statusOf, type Problem } from "../problem.ts";

export interface Room {
  readonly store: RevocationWriter & MarkerReader & PendingStore;
  readonly issuers: readonly IssuerLimits[];
  readonly keyPrefix: string;
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
  readonly fleet: FleetWatch;
  /** Kinds that another admin must approve. */
  readonly secondPerson: readonly TargetKind[];
}

/** Name of the request's decorator that holds its authenticated Caller. */
export const CALLER = "caller";

export function callerOf(request: FastifyRequest): Caller {
  return request.getDecorator<Caller>(CALLER);
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(statusOf(problem))
    .headers({ ...problem.headers, "cache-control": "no-store", "x-content-type-options": "nosniff" })
    .type(PROBLEM_MEDIA_TYPE)
    .send(Buffer.from(problemBody(problem))); // to text the library would add a charset, which the type has not
}

/** The problem of a caller without `scope` (RFC 6750 §3.1); undefined if he has it. */
export function lackOf(scope: ControlScope, caller: Caller): Problem | undefined {
  if (holds(caller, scope)) return undefined;
  return {
    code: "insufficient_scope",
    detail: `This needs the scope ${scope}.`,
    headers: { "www-authenticate": `Bearer error="insufficient_scope", scope="${scope}"` },
  };
}
