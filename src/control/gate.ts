// The gate of the control API: who calls, and whether he calls too often. A stranger spends his address's allowance,
// a known caller his own, so strangers behind the same balancer cannot lock known administrators out. Nobody is
// verified whose allowance is spent.

import type { IncomingMessage } from "node:http";
import type { Clock } from "../core/clock.ts";
import { err, ok, type Result } from "../core/result.ts";
import { authenticateWith, type AccessFault, type Authenticator, type Caller } from "./access.ts";
import { createKnownTokens } from "./known-tokens.ts";
import type { Problem } from "./problem.ts";
import { addressKey, createRateLimiter, type Rate } from "./rate-limit.ts";

export interface GateOptions {
  /** Costs a hash, so it is asked whatever the allowance: bootstrap tokens open the door in any flood. */
  readonly bootstrap: Authenticator;
  /** Asked in order after it: they verify signatures, and ask the store. */
  readonly authenticators: readonly Authenticator[];
  /** Of the dashboard, for requests without an Authorization header; undefined: there are none. */
  readonly sessions?: SessionReader | undefined;
  readonly clock: Clock;
  readonly callerRate?: Rate;
  readonly strangerRate?: Rate;
}

/** Knows callers by a cookie. */
export interface SessionReader {
  /** undefined: the request has none. */
  credentialOf(request: IncomingMessage): Result<string, Problem> | undefined;
  readonly authenticator: Authenticator;
  /** Who was found good a moment ago, of whom it cannot be told now. */
  lately(credential: string): Caller | undefined;
}

export interface Gate {
  /**
   * The caller of a request, from its one Authorization header or, without one, its session. `watches`: he sees but
   * numbers, and in an outage of the store above all, so a session may go on watching that cannot be judged meanwhile.
   */
  enter(request: IncomingMessage, watches?: boolean): Promise<Result<Caller, Problem>>;
  /** Whether a caller who was let in would be let in now, whatever he has spent; "unknown": it cannot be told now. */
  judgeAgain(request: IncomingMessage): Promise<"good" | "refused" | "unknown">;
  /** Charges a request that needs no caller to its address; undefined: go on. */
  chargeStranger(request: IncomingMessage): Problem | undefined;
  /** For a request that proved by what it brought whose it is: charged to `name` in place of its address. */
  chargeProved(request: IncomingMessage, name: string): Problem | undefined;
}

/** Well above what a script of revocations in a loop reaches, well below what would starve the process. */
const CALLER_RATE: Rate = { perSecond: 1_000, burstCount: 2_000 };
/** A fleet shares one token: of 2,500 sidecars a report, and some look-ups for whoever has no store of its own. */
const SIDECAR_RATE: Rate = { perSecond: 25_000, burstCount: 50_000 };
/**
 * Bounds the verifications that one address may cause, some 0.1 ms each, and not guesses: a wrong token is 256 bits
 * away from a right one. It is also what an administrator's new token has to pass behind a flooded address: 50 chances
 * a second, and `retry-after`; once found good it is known, and spends its caller's allowance from then on.
 */
const STRANGER_RATE: Rate = { perSecond: 50, burstCount: 200 };
/** About 100 B each. */
const MAX_BUCKETS = 10_000;
/** About 200 B each: more than any organisation has administrators at work. */
const MAX_KNOWN_TOKENS = 10_000;

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
  const { bootstrap, authenticators, sessions, clock } = options;
  const callers = createRateLimiter(options.callerRate ?? CALLER_RATE, MAX_BUCKETS);
  const sidecars = createRateLimiter(SIDECAR_RATE, MAX_BUCKETS);
  const strangers = createRateLimiter(options.strangerRate ?? STRANGER_RATE, MAX_BUCKETS);
  const known = createKnownTokens(MAX_KNOWN_TOKENS);

  function chargeStranger(request: IncomingMessage): Problem | undefined {
    return tooMany(strangers.take(strangerKey(request), clock.now().monotonicMs));
  }

  function chargeCaller(name: string): Problem | undefined {
    return tooMany(callers.take(name, clock.now().monotonicMs));
  }

  async function enterKnown(credential: Credential, name: string): Promise<Result<Caller, Problem>> {
    const limited = chargeCaller(name);
    if (limited !== undefined) return err(limited);
    const outcome = await authenticateWith(credential.authenticators, credential.text);
    if (outcome.ok) return outcome;
    if (outcome.error.cause !== "unavailable") known.forget(credential.text);
    return err(problemOf(outcome.error));
  }

  async function enterUnknown(credential: Credential, request: IncomingMessage): Promise<Result<Caller, Problem>> {
    const limited = chargeStranger(request);
    if (limited !== undefined) return err(limited);
    const outcome = await authenticateWith(credential.authenticators, credential.text);
    if (!outcome.ok) return err(problemOf(outcome.error));
    strangers.giveBack(strangerKey(request));
    known.remember(credential.text, outcome.value.name);
    return admitted(outcome.value);
  }

  function admitted(caller: Caller): Result<Caller, Problem> {
    const rate = caller.scopes.every((scope) => scope === "portcullis:sidecar") ? sidecars : callers;
    const limited = tooMany(rate.take(caller.name, clock.now().monotonicMs));
    return limited === undefined ? ok(caller) : err(limited);
  }

  function orLately(entered: Result<Caller, Problem>, text: string): Result<Caller, Problem> {
    if (entered.ok || entered.error.code !== "unavailable") return entered;
    const lately = sessions?.lately(text);
    return lately === undefined ? entered : ok(lately);
  }

  function credentialOf(request: IncomingMessage): Result<Credential, Problem> {
    const cookie = request.headers.authorization === undefined ? sessions?.credentialOf(request) : undefined;
    if (cookie !== undefined && sessions !== undefined) {
      return cookie.ok ? ok({ text: cookie.value, authenticators: [sessions.authenticator] }) : cookie;
    }
    const token = bearerToken(request);
    return token.ok ? ok({ text: token.value, authenticators: [bootstrap, ...authenticators] }) : token;
  }

  async function judgeAgain(request: IncomingMessage): Promise<"good" | "refused" | "unknown"> {
    const credential = credentialOf(request);
    if (!credential.ok) return "refused";
    const outcome = await authenticateWith(credential.value.authenticators, credential.value.text);
    if (outcome.ok) return "good";
    return outcome.error.cause === "unavailable" ? "unknown" : "refused";
  }

  return {
    chargeStranger,
    judgeAgain,
    chargeProved(request, name) {
      strangers.giveBack(strangerKey(request));
      return chargeCaller(name);
    },
    async enter(request, watches = false) {
      const credential = credentialOf(request);
      if (!credential.ok) return err(chargeStranger(request) ?? credential.error);
      const { text } = credential.value;
      const atOnce = await bootstrap.authenticate(text);
      if (atOnce.ok) return admitted(atOnce.value);
      const name = known.callerOf(text);
      const entered = await (name === undefined
        ? enterUnknown(credential.value, request)
        : enterKnown(credential.value, name));
      return watches ? orLately(entered, text) : entered;
    },
  };
}

/** What a caller shows, and who may know it. */
interface Credential {
  readonly text: string;
  readonly authenticators: readonly Authenticator[];
}

function strangerKey(request: IncomingMessage): string {
  return addressKey(request.socket.remoteAddress ?? "");
}

function bearerToken(request: IncomingMessage): Result<string, Problem> {
  const values = request.headersDistinct["authorization"] ?? [];
  if (values.length > 1) return err(SEVERAL_CREDENTIALS);
  const token = BEARER.exec(values[0] ?? "")?.[1];
  return token === undefined ? err(REALM) : ok(token);
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
