// Judges the claims of a token whose signature is good, and mints the Principal: nothing else in the house can.

import type { DenyReason } from "../core/deny-reason.ts";
import type { Principal, PrincipalFacts } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Issuer, TokenProfile } from "./issuer.ts";
import type { JsonObject } from "./json.ts";
import type { VerifyKey } from "./verify-key.ts";

type ClaimFault = Extract<
  DenyReason,
  "claim_invalid" | "wrong_type" | "wrong_audience" | "expired" | "not_yet_valid" | "lifetime_too_long"
>;

/** 2100-01-01T00:00:00Z in epoch seconds: a time beyond it is a mistake of units (milliseconds) or an attack. */
const MAX_TIME_S = 4_102_444_800;

/**
 * Claims of ID tokens (OpenID Connect Core §2, §3.3.2.11) and of logout and event tokens (Back-Channel Logout §2.4,
 * RFC 8417 §2.2). An untyped access token has none of them.
 */
const FOREIGN_CLAIMS = ["nonce", "at_hash", "c_hash", "events"] as const;

/** Whether the header's `typ` is one that `profile` accepts; media types know no case (RFC 9068 §4, RFC 7519 §5.1). */
export function typFits(profile: TokenProfile, typ: unknown): boolean {
  switch (profile) {
    case "at+jwt": {
      const name = typeof typ === "string" ? typ.toLowerCase() : "";
      return name === "at+jwt" || name === "application/at+jwt";
    }
    case "jwt":
      return typ === undefined || (typeof typ === "string" && typ.toLowerCase() === "jwt");
  }
}

/**
 * Mints the principal of a verified token. `claims` are those under the good signature of `key`, whose `iss` picked
 * `issuer`. `sub` and `client_id` may be absent, though RFC 9068 §2.2 asks for them: the contract judges them where
 * present, and a token without them is revocable by what it has.
 */
export function mintPrincipal(
  claims: JsonObject,
  issuer: Issuer,
  key: VerifyKey,
  wallMs: number,
): Result<Principal, ClaimFault> {
  if (issuer.profile === "jwt" && FOREIGN_CLAIMS.some((name) => name in claims)) return err("wrong_type");
  const facts = readFacts(claims, issuer, key);
  if (facts === undefined) return err("claim_invalid");
  const audience = judgeAudience(claims["aud"], issuer.audiences);
  if (audience !== undefined) return err(audience);
  const time = judgeTimes(facts, issuer.clockSkewMs, wallMs);
  if (time !== undefined) return err(time);
  if ((facts.expiresAtS - facts.issuedAtS) * 1000 > issuer.maxLifetimeMs) return err("lifetime_too_long");
  return ok(facts as Principal);
}

/** The times of a token, again for every call: a cached token ages like any other. Undefined: all are good. */
export function judgeTimes(times: Times, clockSkewMs: number, wallMs: number): "expired" | "not_yet_valid" | undefined {
  if (wallMs >= times.expiresAtS * 1000 + clockSkewMs) return "expired";
  const latestMs = wallMs + clockSkewMs;
  if (times.issuedAtS * 1000 > latestMs) return "not_yet_valid";
  if (times.notBeforeS !== undefined && times.notBeforeS * 1000 > latestMs) return "not_yet_valid";
  return undefined;
}

/** Undefined where a claim is of the wrong type or form, or a required one is missing. */
function readFacts(claims: JsonObject, issuer: Issuer, key: VerifyKey): PrincipalFacts | undefined {
  const times = readTimes(claims);
  const names = readNames(claims, issuer);
  const scopes = readScopes(claims[issuer.claims.scope]);
  if (times === undefined || names === undefined || scopes === undefined) return undefined;
  return {
    issuerId: issuer.id,
    issuer: issuer.issuer,
    subject: names.subject,
    tokenId: names.tokenId,
    session: names.session,
    tenant: names.tenant,
    client: names.client,
    scopes,
    keyId: key.kid,
    algorithm: key.algorithm,
    issuedAtS: times.issuedAtS,
    expiresAtS: times.expiresAtS,
    notBeforeS: times.notBeforeS,
    claims,
  };
}

type Times = Pick<PrincipalFacts, "issuedAtS" | "expiresAtS" | "notBeforeS">;

function readTimes(claims: JsonObject): Times | undefined {
  const expiresAtS = claims["exp"];
  const issuedAtS = claims["iat"];
  const notBeforeS = claims["nbf"];
  if (!isTime(expiresAtS) || !isTime(issuedAtS)) return undefined;
  if (notBeforeS !== undefined && !isTime(notBeforeS)) return undefined;
  return { issuedAtS, expiresAtS, notBeforeS };
}

type Names = Pick<PrincipalFacts, "tokenId" | "subject" | "session" | "tenant" | "client">;

function readNames(claims: JsonObject, issuer: Issuer): Names | undefined {
  const tokenId = claims["jti"];
  const subject = claims["sub"];
  const session = claims[issuer.claims.session];
  const tenant = claims[issuer.claims.tenant];
  const client = claims[issuer.claims.client];
  if (!isName(tokenId) || !isName(subject) || !isName(session) || !isName(tenant) || !isName(client)) return undefined;
  if (issuer.requireJti && tokenId === undefined) return undefined;
  return { tokenId, subject, session, tenant, client };
}

/** RFC 7519 NumericDate: fractions are allowed. */
function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_TIME_S;
}

/** Absent, or a string with something in it: a number would lose digits and miss its revocation key. */
function isName(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && value !== "");
}

const NO_SCOPES: readonly string[] = [];

/** Space-separated (RFC 8693 §4.2) or an array; an element with a space in it would become two. */
function readScopes(value: unknown): readonly string[] | undefined {
  if (value === undefined) return NO_SCOPES;
  if (typeof value === "string") return value.split(" ").filter((scope) => scope !== "");
  if (!isStringArray(value)) return undefined;
  return value.some((scope) => scope === "" || scope.includes(" ")) ? undefined : value;
}

function judgeAudience(aud: unknown, expected: readonly string[] | undefined): ClaimFault | undefined {
  if (aud !== undefined && typeof aud !== "string" && !isStringArray(aud)) return "claim_invalid";
  if (expected === undefined) return undefined;
  if (aud === undefined) return "wrong_audience";
  const meant = typeof aud === "string" ? expected.includes(aud) : aud.some((one) => expected.includes(one));
  return meant ? undefined : "wrong_audience";
}

function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}
