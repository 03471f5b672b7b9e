// Judges the claims of a token whose signature is good, and mints the Principal: nothing else in the house can.

import type { Instant } from "../core/clock.ts";
import type { Assertion, Principal, PrincipalFacts } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { readConfirmation } from "./confirmation.ts";
import { SharedValues } from "../resilience/shared-values.ts";
import { audiencesOf, isName, isStringArray, isTime } from "./claim-values.ts";
import type { Issuer, TokenProfile } from "./issuer.ts";
import type { JsonObject } from "./json.ts";
import type { ClaimFault, TokenKind } from "./token-kind.ts";

/**
 * Claims of ID tokens (OpenID Connect Core §2, §3.3.2.11) and of logout and event tokens (Back-Channel Logout §2.4,
 * RFC 8417 §2.2). An untyped access token has none of them.
 */
const FOREIGN_CLAIMS = ["nonce", "at_hash", "c_hash", "events"] as const;

/** Whether the claims are those of another kind of token. */
export function isForeign(claims: JsonObject): boolean {
  return FOREIGN_CLAIMS.some((name) => name in claims);
}

/** Whether the header's `typ` is one that `profile` accepts; media types know no case (RFC 9068 §4, RFC 7519 §5.1). */
function typFits(profile: TokenProfile, typ: unknown): boolean {
  switch (profile) {
    case "at+jwt": {
      const name = typeof typ === "string" ? typ.toLowerCase() : "";
      return name === "at+jwt" || name === "application/at+jwt";
    }
    case "jwt":
      return typ === undefined || (typeof typ === "string" && typ.toLowerCase() === "jwt");
  }
}

/** An issuer of tokens that somebody else verifies. */
export type AttestedIssuer = Omit<Issuer, "keys" | "algorithms" | "profile">;

/** What is known of the key that verified. */
type KeyFacts = Pick<PrincipalFacts, "algorithm"> & { readonly kid: string | undefined };

/**
 * Mints the principal of a verified token: `claims` are those under the good signature of `key`, whose `iss` picked
 * `issuer`. `sub` and `client_id` may be absent, though RFC 9068 §2.2 asks for them: the contract judges them where
 * present, and a token without them is revocable by what it has.
 */
export function mintPrincipal(
  claims: JsonObject,
  issuer: AttestedIssuer,
  key: KeyFacts,
  wallMs: number,
): Result<Principal, ClaimFault> {
  const by = { keyId: key.kid, algorithm: key.algorithm, assertion: undefined };
  return judgeFacts(readFacts(claims, issuer, by), issuer, wallMs);
}

/**
 * Mints the principal of an opaque token that `issuer`, asked at `askedAt`, says is active (RFC 7662 §2.2). The answer is
 * judged as claims under a signature are; only `iss` may be left out, for it was asked of that issuer.
 */
export function mintAsserted(
  answer: JsonObject,
  issuer: Issuer,
  askedAt: Instant,
  wallMs: number,
): Result<Principal, ClaimFault> {
  const { iss = issuer.issuer, token_type: type = "Bearer" } = answer;
  if (iss !== issuer.issuer) return err("claim_invalid");
  const by = {
    keyId: undefined,
    algorithm: "introspection",
    assertion: { asOf: askedAt, isUnanswered: false, goodForMs: undefined },
  };
  const facts = readFacts(answer, issuer, by);
  return isKnownType(type, facts) ? judgeFacts(facts, issuer, wallMs) : err("wrong_type");
}

/** RFC 6749 §7.1: of a type that is not known here no use may be made. RFC 9449 §6.2 has DPoP, and then a key. */
function isKnownType(type: unknown, facts: PrincipalFacts | undefined): boolean {
  const name = typeof type === "string" ? type.toLowerCase() : "";
  return name === "bearer" || (name === "dpop" && facts?.confirmation?.jkt !== undefined);
}

const NO_CLAIMS: JsonObject = Object.freeze(Object.create(null) as JsonObject);

/** The same principal with those of its claims that are named: most are of no use once a token is judged and compiled. */
export function withClaims(principal: Principal, names: readonly string[]): Principal {
  const kept = names.filter((name) => name in principal.claims);
  if (kept.length === 0) return { ...principal, claims: NO_CLAIMS };
  const claims = Object.create(null) as Record<string, unknown>;
  for (const name of kept) claims[name] = principal.claims[name];
  return { ...principal, claims };
}

/** The same principal, with its issuer's word on it beside whatever else it is believed for. */
export function withAssertion(principal: Principal, assertion: Assertion): Principal {
  return { ...principal, assertion };
}

/** The same principal once its issuer was asked again and did not answer. */
export function unanswered(principal: Principal): Principal {
  const { assertion } = principal;
  return assertion === undefined ? principal : withAssertion(principal, { ...assertion, isUnanswered: true });
}

function judgeFacts(
  facts: PrincipalFacts | undefined,
  issuer: AttestedIssuer,
  wallMs: number,
): Result<Principal, ClaimFault> {
  if (facts === undefined) return err("claim_invalid");
  const audience = judgeAudience(facts.claims["aud"], issuer.audiences);
  if (audience !== undefined) return err(audience);
  const time = judgeTimes(facts, issuer.clockSkewMs, wallMs);
  if (time !== undefined) return err(time);
  if ((facts.expiresAtS - facts.issuedAtS) * 1000 > issuer.maxLifetimeMs) return err("lifetime_too_long");
  return ok(facts as Principal);
}

export const ACCESS_TOKEN: TokenKind<Issuer, Principal> = {
  typFits: (issuer, typ) => typFits(issuer.profile, typ),
  read: (claims, issuer, key, wallMs) =>
    issuer.profile === "jwt" && isForeign(claims) ? err("wrong_type") : mintPrincipal(claims, issuer, key, wallMs),
};

/** The times of a token, again for every call: a cached token ages like any other. Undefined: all are good. */
export function judgeTimes(times: Times, clockSkewMs: number, wallMs: number): "expired" | "not_yet_valid" | undefined {
  if (wallMs >= times.expiresAtS * 1000 + clockSkewMs) return "expired";
  const latestMs = wallMs + clockSkewMs;
  if (times.issuedAtS * 1000 > latestMs) return "not_yet_valid";
  if (times.notBeforeS !== undefined && times.notBeforeS * 1000 > latestMs) return "not_yet_valid";
  return undefined;
}

/** What the claims are believed for. */
type Voucher = Pick<PrincipalFacts, "keyId" | "algorithm" | "assertion">;

/** Undefined where a claim is of the wrong type or form, or a required one is missing. */
function readFacts(claims: JsonObject, issuer: AttestedIssuer, by: Voucher): PrincipalFacts | undefined {
  const times = readTimes(claims);
  const names = readNames(claims, issuer);
  const scopes = readScopes(claims[issuer.claims.scope]);
  const confirmation = readConfirmation(claims["cnf"], issuer.senderConstraint);
  if (times === undefined || names === undefined || scopes === undefined || !confirmation.ok) return undefined;
  return {
    issuerId: issuer.id,
    issuer: issuer.issuer,
    subject: names.subject,
    tokenId: names.tokenId,
    session: names.session,
    tenant: names.tenant,
    client: names.client,
    scopes,
    keyId: by.keyId,
    algorithm: by.algorithm,
    assertion: by.assertion,
    issuedAtS: times.issuedAtS,
    expiresAtS: times.expiresAtS,
    notBeforeS: times.notBeforeS,
    confirmation: confirmation.value,
    claims,
  };
}

/** When a token is good. Epoch seconds. */
export type Times = Pick<PrincipalFacts, "issuedAtS" | "expiresAtS" | "notBeforeS">;

function readTimes(claims: JsonObject): Times | undefined {
  const expiresAtS = claims["exp"];
  const issuedAtS = claims["iat"];
  const notBeforeS = claims["nbf"];
  if (!isTime(expiresAtS) || !isTime(issuedAtS)) return undefined;
  if (notBeforeS !== undefined && !isTime(notBeforeS)) return undefined;
  return { issuedAtS, expiresAtS, notBeforeS };
}

type Names = Pick<PrincipalFacts, "tokenId" | "subject" | "session" | "tenant" | "client">;

function readNames(claims: JsonObject, issuer: AttestedIssuer): Names | undefined {
  const tokenId = claims["jti"];
  const subject = claims["sub"];
  const session = claims[issuer.claims.session];
  const tenant = claims[issuer.claims.tenant];
  const client = claims[issuer.claims.client];
  if (!isName(tokenId) || !isName(subject) || !isName(session) || !isName(tenant) || !isName(client)) return undefined;
  if (issuer.requireJti && tokenId === undefined) return undefined;
  return { tokenId, subject, session, tenant, client };
}

const NO_SCOPES: readonly string[] = [];

/** Tokens differ in their scopes far less than they are many. Each may keep the text of its claims: a megabyte at the worst. */
const sharedScopes = new SharedValues<readonly string[]>(100);

function scopesOf(text: string): readonly string[] {
  return text.split(" ").filter((scope) => scope !== "");
}

/** Space-separated (RFC 8693 §4.2) or an array; an element with a space in it would become two. */
function readScopes(value: unknown): readonly string[] | undefined {
  if (value === undefined) return NO_SCOPES;
  if (typeof value === "string") return sharedScopes.of(value, scopesOf);
  if (!isStringArray(value)) return undefined;
  return value.some((scope) => scope === "" || scope.includes(" ")) ? undefined : value;
}

function judgeAudience(aud: unknown, expected: readonly string[] | undefined): ClaimFault | undefined {
  const meant = audiencesOf(aud);
  if (meant === undefined) return "claim_invalid";
  return expected === undefined || meant.some((one) => expected.includes(one)) ? undefined : "wrong_audience";
}
