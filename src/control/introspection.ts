// Tells of a token what a Check would find now (RFC 7662): good and not revoked, or not. It keeps no token, and says of
// one that is not good nothing but that.

import type { Clock } from "../core/clock.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { judge } from "../revocation/judge.ts";
import { markerFacts } from "../revocation/marker-facts.ts";
import type { MarkerReader } from "../revocation/store.ts";
import type { RevocationSubject } from "../revocation/subject.ts";
import type { VerifyFailure } from "../token/verification.ts";
import type { VerifiedToken } from "../token/verified-token.ts";
import type { Verifier } from "../token/verifier.ts";
import { faultOf } from "./access-token.ts";
import { readFault, type Problem } from "./problem.ts";

export interface IntrospectionOptions {
  /** Of every issuer, for its own audiences. */
  readonly verifier: Verifier<RevocationSubject>;
  readonly store: MarkerReader;
  readonly clock: Clock;
  /** Of verifying, and again of asking the store. */
  readonly timeoutMs: number;
}

/** What is answered, as it stands in JSON. */
export type Introspected = Readonly<Record<string, unknown>>;

export type Introspect = (token: string) => Promise<Result<Introspected, Problem>>;

const NOT_ACTIVE: Introspected = { active: false };

/** Asked of the store each time; where it cannot be told, nothing is guessed: the problem is a 503. */
export function createIntrospection({ verifier, store, clock, timeoutMs }: IntrospectionOptions): Introspect {
  function verify(token: string): Promise<Result<VerifiedToken<RevocationSubject>, VerifyFailure>> {
    const now = clock.now();
    return new Promise((resolve) =>
      verifier.verify(Buffer.from(token), now, now.monotonicMs + timeoutMs, undefined, resolve),
    );
  }

  return async (token) => {
    const verified = await verify(token);
    if (!verified.ok) return faultOf(verified.error.reason).cause === "unavailable" ? err(UNTOLD) : ok(NOT_ACTIVE);
    const { principal, compiled } = verified.value;
    if (principal.assertion?.isUnanswered === true) return err(UNTOLD);
    const read = await store.read(compiled.keys, timeoutMs);
    return read.ok ? judged(principal, compiled, read.value) : err(readFault(read.error));
  };
}

const UNTOLD: Problem = {
  code: "unavailable",
  detail: "It cannot be told now whether the token is good.",
  headers: { "retry-after": "1" },
};

function judged(
  principal: Principal,
  { kinds, issuedAtS }: RevocationSubject,
  values: readonly (string | null)[],
): Result<Introspected, Problem> {
  const judgement = judge(kinds, issuedAtS, values);
  switch (judgement.state) {
    case "active":
      return ok({ active: true, ...claimsOf(principal), revoked: false });
    case "revoked": {
      // RFC 7662 §2.2 would rather say nothing of a token that is not active, for the sake of strangers; who may ask
      // here may list all revocations.
      const { atMs, by, reason } = markerFacts(values[kinds.indexOf(judgement.by.kind)] ?? "");
      return ok({ active: false, revoked: true, since: atMs, by, reason });
    }
    case "unreadable":
      return err({ code: "unreadable", detail: `The watermark of its ${judgement.kind} cannot be read.` });
  }
}

/** Those that are told as they stand in the token. */
export const INTROSPECTED_CLAIMS: readonly string[] = ["aud", "cnf"];

/** RFC 7662 §2.2, what the token is bound to (RFC 8705 §3.2), and the two names by which more than one token is revoked. */
function claimsOf(principal: Principal): Introspected {
  return {
    // RFC 9449 §6.2
    token_type: principal.confirmation?.jkt === undefined ? "Bearer" : "DPoP",
    iss: principal.issuer,
    sub: principal.subject,
    aud: principal.claims["aud"],
    client_id: principal.client,
    scope: principal.scopes.length === 0 ? undefined : principal.scopes.join(" "),
    exp: principal.expiresAtS,
    iat: principal.issuedAtS,
    nbf: principal.notBeforeS,
    jti: principal.tokenId,
    sid: principal.session,
    tenant: principal.tenant,
    cnf: principal.claims["cnf"],
  };
}
