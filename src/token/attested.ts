// Admits tokens that Envoy's jwt_authn has verified, by the claims that it tells of in its metadata (never by a header). It
// checks no signature: it judges the claims as of any other token, and mints through token/claims alone.

import { hash } from "node:crypto";
import type { Instant } from "../core/clock.ts";
import type { Observer } from "../core/observer.ts";
import type { Principal } from "../core/principal.ts";
import { err, ok, type Result } from "../core/result.ts";
import { inOwnMemory } from "../resilience/own-memory.ts";
import { isForeign, judgeTimes, mintPrincipal, type AttestedIssuer } from "./claims.ts";
import { parseJws } from "./compact-jws.ts";
import type { JsonObject } from "./json.ts";
import { nestedBytes } from "./nested-bytes.ts";
import { createTokenCache, type Remembered, type TokenCache } from "./token-cache.ts";
import type { VerifyFailure } from "./verification.ts";
import type { VerifiedToken } from "./verified-token.ts";

/** What Envoy says of a token. */
export interface Attestation {
  readonly issuer: AttestedIssuer;
  /** All that is read below, encoded: the same bytes say the same. */
  readonly bytes: Buffer;
  /** Undefined where it cannot be read. Called at most once. */
  read(): { readonly claims: JsonObject; readonly header: JsonObject | undefined } | undefined;
}

export interface AttestedTokens<T> {
  /**
   * `presented`: the token that the request itself carries, undefined: none. It is not believed, but must say the same: the
   * upstream would take its word for it. Never throws.
   */
  admit(attestation: Attestation, presented: Buffer | undefined, now: Instant): Result<VerifiedToken<T>, VerifyFailure>;
}

export interface AttestedOptions<T> {
  readonly maxTokenBytes: number;
  /** How many are remembered; 0: none. */
  readonly verifiedTokens: number;
  readonly observer: Pick<Observer, "verifiedTokenCache">;
  /** As VerifierOptions.compile. */
  readonly compile: (principal: Principal, tokenDigest: string) => Result<T, "claim_invalid">;
}

/** Remembered by what Envoy says of it, as a token is by its bytes. */
class Entry<T> implements Remembered {
  readonly outcome: Result<VerifiedToken<T>, never>;
  readonly principal: Principal;
  readonly issuer: AttestedIssuer;
  /** The token last seen to say the same. */
  presented: Buffer | undefined;
  readonly #said: Buffer;

  constructor(said: Buffer, verified: VerifiedToken<T>, issuer: AttestedIssuer) {
    this.outcome = ok(verified);
    this.principal = verified.principal;
    this.issuer = issuer;
    this.presented = undefined;
    this.#said = inOwnMemory(said);
  }

  isOf(said: Buffer): boolean {
    return said.equals(this.#said);
  }
}

/** What tells a token from any other, and whom it speaks of; with what its issuer calls session, tenant and client. */
const TELLING_CLAIMS = ["iss", "sub", "jti", "iat", "exp"] as const;

export function createAttestedTokens<T>(options: AttestedOptions<T>): AttestedTokens<T> {
  const { maxTokenBytes, verifiedTokens, observer, compile } = options;
  const cache: TokenCache<Entry<T>> | undefined =
    verifiedTokens > 0 ? createTokenCache({ maxTokens: verifiedTokens, maxTokenBytes }) : undefined;

  function readAnew(attestation: Attestation, now: Instant): Result<Entry<T>, VerifyFailure> {
    const { issuer } = attestation;
    const refused = (reason: VerifyFailure["reason"]): Result<never, VerifyFailure> =>
      err({ reason, issuerId: issuer.id });
    const said = attestation.read();
    if (said === undefined) return refused("malformed_token");
    if (said.claims["iss"] !== issuer.issuer) return refused("unknown_issuer");
    // Its typ is nobody's word here, so what looks like an ID, logout or event token is none of ours.
    if (isForeign(said.claims)) return refused("wrong_type");
    const principal = mintPrincipal(said.claims, issuer, keyOf(said.header), now.wallMs);
    if (!principal.ok) return refused(principal.error);
    const compiled = compile(principal.value, hash("sha256", attestation.bytes, "base64url"));
    if (!compiled.ok) return refused(compiled.error);
    const entry = new Entry(attestation.bytes, { principal: principal.value, compiled: compiled.value }, issuer);
    cache?.set(attestation.bytes, entry, nestedBytes(principal.value.claims));
    return ok(entry);
  }

  function known(attestation: Attestation, now: Instant): Result<Entry<T>, VerifyFailure> | undefined {
    const entry = cache?.get(attestation.bytes);
    observer.verifiedTokenCache(entry === undefined ? "miss" : "hit");
    if (entry?.issuer !== attestation.issuer) return undefined;
    const time = judgeTimes(entry.principal, entry.issuer.clockSkewMs, now.wallMs);
    return time === undefined ? ok(entry) : err({ reason: time, issuerId: entry.issuer.id });
  }

  return {
    admit(attestation, presented, now) {
      const entry = known(attestation, now) ?? readAnew(attestation, now);
      if (!entry.ok) return entry;
      if (presented !== undefined && entry.value.presented?.equals(presented) !== true) {
        if (!saysTheSame(presented, entry.value, maxTokenBytes))
          return err({ reason: "malformed_request", issuerId: attestation.issuer.id });
        entry.value.presented = inOwnMemory(presented);
      }
      return entry.value.outcome;
    },
  };
}

/** The key that Envoy chose by: of a token without kid, or where nobody tells of its header, none is known. */
function keyOf(header: JsonObject | undefined): { readonly kid: string | undefined; readonly algorithm: string } {
  const { kid, alg } = (header ?? {}) as { kid?: unknown; alg?: unknown };
  return { kid: typeof kid === "string" ? kid : undefined, algorithm: typeof alg === "string" ? alg : "unknown" };
}

/** Two credentials of which one was judged and the other reaches the upstream would be a way around every revocation. */
function saysTheSame(presented: Buffer, { principal, issuer }: Entry<unknown>, maxTokenBytes: number): boolean {
  const { session, tenant, client } = issuer.claims;
  const parsed = parseJws(presented, maxTokenBytes, ok);
  return (
    parsed.ok &&
    [...TELLING_CLAIMS, session, tenant, client].every((name) => parsed.value.claims[name] === principal.claims[name])
  );
}
