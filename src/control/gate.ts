// The gate of the control API: who calls, and whether he calls too often. A stranger spends his address's allowance,
// a known caller his own, so strangers behind the same balancer cannot lock administrators out.

import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import { err, ok, type Result } from "../core/result.ts";
import { authenticateWith, type AccessFault, type Authenticator, type Caller } from "./access.ts";
import type { Problem } from "./problem.ts";
import { addressKey, createRateLimiter, type Rate } from "./rate-limit.ts";

export interface GateOptions {
  readonly authenticators: readonly Authenticator[];
  readonly clock: Clock;
  readonly callerRate?: Rate;
  readonly strangerRate?: Rate;
}

export interface Gate {
  /** The caller of a request, from its one Authorization header. */
  enter(request: IncomingMessage): Promise<Result<Caller, Problem>>;
  /** Charges a request that needs no caller to its address; undefined: go on. */
  chargeStranger(request: IncomingMessage): Problem | undefined;
}

/** Well above what a script of revocations in a loop reaches, well below what would starve the process. */
const CALLER_RATE: Rate = { perSecond: 1_000, burstCount: 2_000 };
/** A wrong token is 256 bits away from a right one; this bounds work and log lines, not guesses. */
const STRANGER_RATE: Rate = { perSecond: 50, burstCount: 200 };
/** About 100 B each. */
const MAX_BUCKETS = 10_000;

/** RFC 6750 §2.1; the scheme in any case (RFC 9110 §11.1). */
const BEARER = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i;

const REALM: Problem = { code: "unauthenticated", headers: { "www-authenticate": 'Bearer realm="portcullis"' } };
const INVALID_TOKEN: Problem = {
  code: "unauthenticated",
  detail: "The token is not valid here.",
  headers: { "www-authenticate": 'Bearer realm="portcullis", error="invalid_token"' },
};
const SEVERAL_CREDENTIALS: Problem = {
  code: "malformed_request",
  detail: "The request has several Authorization headers.",
  headers: { "www-authenticate": 'Bearer realm="portcullis", error="invalid_request"' },
};

export function createGate(options: GateOptions): Gate {
  const { authenticators, clock } = options;
  const callers = createRateLimiter(options.callerRate ?? CALLER_RATE, MAX_BUCKETS);
  const strangers = createRateLimiter(options.strangerRate ?? STRANGER_RATE, MAX_BUCKETS);

  function chargeStranger(request: IncomingMessage): Problem | undefined {
    return tooMany(strangers.take(addressKey(request.socket.remoteAddress ?? ""), clock.now().monotonicMs));
  }

  return {
    chargeStranger,
    async enter(request) {
      const token = bearerToken(request);
      const outcome = token.ok ? await identify(authenticators, token.value) : token;
      if (!outcome.ok) return err(chargeStranger(request) ?? outcome.error);
      const limited = tooMany(callers.take(outcome.value.name, clock.now().monotonicMs));
      return limited === undefined ? outcome : err(limited);
    },
  };
}

function bearerToken(request: IncomingMessage): Result<string, Problem> {
  const values = request.headersDistinct["authorization"] ?? [];
  if (values.length > 1) return err(SEVERAL_CREDENTIALS);
  const token = BEARER.exec(values[0] ?? "")?.[1];
  return token === undefined ? err(REALM) : ok(token);
}

async function identify(authenticators: readonly Authenticator[], token: string): Promise<Result<Caller, Problem>> {
  const outcome = await authenticateWith(authenticators, token);
  return outcome.ok ? outcome : err(problemOf(outcome.error));
}

function problemOf(fault: AccessFault): Problem {
  switch (fault.cause) {
    case "unknown_token":
    case "refused":
      return INVALID_TOKEN;
    case "unavailable":
      return {
        code: "unavailable",
        detail: "It cannot be told now whether the token is good.",
        headers: { "retry-after": "1" },
      };
  }
}

function tooMany(waitMs: number): Problem | undefined {
  if (waitMs === 0) return undefined;
  return { code: "too_many_requests", headers: { "retry-after": String(Math.ceil(waitMs / 1_000)) } };
}
