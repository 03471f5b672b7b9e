// Logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6): which they are, and what each says. No ID token,
// access token or other security event passes for one.

import { err, ok } from "../core/result.ts";
import { audiencesOf, isName, isTime } from "./claim-values.ts";
import { judgeTimes } from "./claims.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { Sender } from "./sender.ts";
import type { ClaimFault, TokenKind } from "./token-kind.ts";

/** At least one of session and subject is there. */
export interface LogoutToken {
  readonly tokenId: string;
  readonly issuedAtS: number;
  readonly expiresAtS: number;
  readonly session: string | undefined;
  readonly subject: string | undefined;
}

const LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout";

/** Explicit typing is recommended, not required (§2.4): untyped ones are told by their event and the lack of a nonce. */
const TYPES: ReadonlySet<unknown> = new Set(["logout+jwt", "application/logout+jwt", "jwt"]);

export const LOGOUT_TOKEN: TokenKind<Sender, LogoutToken> = {
  typFits: (_sender, typ) => typ === undefined || (typeof typ === "string" && TYPES.has(typ.toLowerCase())),
  read(claims, sender, _key, wallMs) {
    const { events } = claims;
    if ("nonce" in claims || !isJsonObject(events) || !isJsonObject(events[LOGOUT_EVENT])) return err("wrong_type");
    const facts = readFacts(claims);
    if (facts === undefined) return err("claim_invalid");
    const fault = judgeAudience(claims["aud"], sender.audiences) ?? judgeAge(claims, facts, sender, wallMs);
    return fault === undefined ? ok(facts) : err(fault);
  },
};

function readFacts(claims: JsonObject): LogoutToken | undefined {
  const { jti: tokenId, iat: issuedAtS, exp: expiresAtS, sid: session, sub: subject } = claims;
  if (!isName(tokenId) || tokenId === undefined || !isTime(issuedAtS) || !isTime(expiresAtS)) return undefined;
  if (!isName(session) || !isName(subject)) return undefined;
  if (session === undefined && subject === undefined) return undefined;
  return { tokenId, issuedAtS, expiresAtS, session, subject };
}

/** As of ID tokens (OpenID Connect Core §3.1.3.7): we are among them, and nobody who is not trusted. */
function judgeAudience(aud: unknown, expected: readonly string[]): ClaimFault | undefined {
  const meant = audiencesOf(aud);
  if (meant === undefined) return "claim_invalid";
  return meant.length > 0 && meant.every((one) => expected.includes(one)) ? undefined : "wrong_audience";
}

function judgeAge(
  claims: JsonObject,
  { issuedAtS, expiresAtS }: LogoutToken,
  { clockSkewMs, maxLifetimeMs }: Sender,
  wallMs: number,
): ClaimFault | undefined {
  const notBeforeS = claims["nbf"];
  if (notBeforeS !== undefined && !isTime(notBeforeS)) return "claim_invalid";
  const time = judgeTimes({ issuedAtS, expiresAtS, notBeforeS }, clockSkewMs, wallMs);
  // Its jti is remembered until it expires: a token good for ever would have to be remembered for ever.
  return time ?? ((expiresAtS - issuedAtS) * 1_000 > maxLifetimeMs ? "lifetime_too_long" : undefined);
}
