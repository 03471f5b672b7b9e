// The ext_authz service without a transport: bytes in, bytes out. Admits a Check or refuses it at once, and swaps the
// policy on a reload. Always answers exactly once, and never with an error that Envoy might wave through.

import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Decision, Observer } from "../core/observer.ts";
import type { Tracer } from "../core/tracing.ts";
import { Check, type CheckCall, type CheckSurroundings, type LoadedPolicy } from "./check.ts";
import type { CheckPolicy } from "./check-policy.ts";
import { createResponseEncoder } from "./response.ts";
import { watchHeaders } from "./watched-headers.ts";

export interface CheckHandlerOptions {
  readonly clock: Clock;
  readonly observer: Pick<Observer, "decided" | "revokedTokenAttempted">;
  readonly log: Pick<Log, "error">;
  readonly tracer: Tracer;
  readonly policy: CheckPolicy;
}

export interface CheckHandler {
  /**
   * Judges an encoded `envoy.service.auth.v3.CheckRequest`; hands an encoded CheckResponse to `reply` exactly once,
   * before returning where nothing has to be asked. Never throws. `request` must not change until then.
   */
  check(request: Buffer, call: CheckCall, reply: (response: Buffer) => void): void;
  /** Calls that begin later are judged by `policy`; those in flight end under the one they began with. */
  replace(policy: CheckPolicy): void;
}

export function createCheckHandler(options: CheckHandlerOptions): CheckHandler {
  const { clock, observer, log, tracer } = options;
  let loaded = load(options.policy);

  const failed = (error: unknown): void => {
    // Name and place only: a message may quote what it choked on.
    const stack = error instanceof Error ? (error.stack ?? "") : "";
    const place = stack
      .split("\n")
      .filter((line) => line.startsWith("    at "))
      .slice(0, 5);
    log.error("check_failed", { error: error instanceof Error ? error.name : typeof error, place });
  };
  const observe = (decision: Decision): void => {
    try {
      observer.decided(decision);
      if (decision.revokedBy !== undefined) observer.revokedTokenAttempted(decision.revokedBy.kind);
    } catch (error) {
      failed(error);
    }
  };
  const admitted: CheckSurroundings = {
    clock,
    tracer,
    failed,
    ended(decision, policy) {
      policy.admission.leave();
      observe(decision);
    },
  };
  const notAdmitted: CheckSurroundings = { clock, tracer, failed, ended: observe };

  return {
    check(request, call, reply) {
      const current = loaded;
      if (current.policy.admission.tryEnter())
        new Check(admitted, current, call.grpcTimeoutMs, reply).judge(request, call);
      else new Check(notAdmitted, current, call.grpcTimeoutMs, reply).turnAway("overloaded", request);
    },
    replace(policy) {
      loaded = load(policy);
    },
  };
}

function load(policy: CheckPolicy): LoadedPolicy {
  return {
    policy,
    watched: watchHeaders(policy.identity.managedNames),
    responses: createResponseEncoder(policy.realm, policy.sender.dpop),
  };
}
