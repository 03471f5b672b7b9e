// Decides what a refused caller sees: HTTP status, challenge and a problem document that says no more than its status.

import { DENY_SHAPES, type DenyReason, type DenyShape } from "../core/deny-reason.ts";
import type { ProofChallenge } from "../core/possession.ts";
import { headerOption } from "./header-option.ts";
import { bytesField, stringField, varintField } from "./protobuf-writer.ts";

// CheckResponse: status = 1, denied_response = 2. DeniedHttpResponse: status = 1, headers = 2, body = 3.
const STATUS = 1;
const DENIED_RESPONSE = 2;
const DENIED_STATUS = 1;
const DENIED_BODY = 3;

/** Seconds a caller may wait before trying again: a breaker is open for one. */
const RETRY_AFTER_S = 1;

/** google.rpc.Code by HTTP status, and the status' own phrase (RFC 9110 §15). */
const STATUSES: Readonly<Record<DenyShape["httpStatus"], { readonly grpcCode: number; readonly title: string }>> = {
  400: { grpcCode: 3, title: "Bad Request" },
  401: { grpcCode: 16, title: "Unauthorized" },
  403: { grpcCode: 7, title: "Forbidden" },
  503: { grpcCode: 14, title: "Service Unavailable" },
};

/** A scope-token (RFC 6749 §3.3): nothing that would end a quoted string. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** What clients are told of DPoP (RFC 9449 §7.1). */
export interface DpopOffer {
  /** That proofs may be made with. */
  readonly algorithms: readonly string[];
  /** Some issuer's tokens must come with a proof, so whoever has none is told of it. */
  readonly isRequired: boolean;
}

/** The denial of one reason, encoded as far as its verdict does not matter. */
export interface DeniedParts {
  /** Fields `status` and `denied_response` of a CheckResponse. */
  with(requiredScopes: readonly string[] | undefined): Buffer;
}

export function deniedResponse(reason: DenyReason, realm: string, dpop?: DpopOffer): DeniedParts {
  const shape = DENY_SHAPES[reason];
  if (shape.challenge === "insufficient_scope") {
    return { with: (scopes) => encode(shape, scopeChallenge(scopes ?? [])) };
  }
  const challenge = challengeOf(shape, realm);
  const isOffered = dpop?.isRequired === true && shape.challenge === "realm";
  const encoded = encode(shape, isOffered ? `${challenge}, DPoP ${algsOf(dpop)}` : challenge);
  return { with: () => encoded };
}

/**
 * The denial of a call that came with the scheme DPoP, or should have. Undefined where nothing about the credential is
 * wrong, and the reason's own answer says it all.
 */
export function dpopDenial(
  reason: DenyReason,
  challenge: ProofChallenge | undefined,
  requiredScopes: readonly string[] | undefined,
  dpop: DpopOffer,
): Buffer | undefined {
  const shape = DENY_SHAPES[reason];
  if (shape.challenge === "insufficient_scope") {
    return encode(shape, `${scopeChallenge(requiredScopes ?? []).replace("Bearer", "DPoP")}, ${algsOf(dpop)}`);
  }
  if (shape.challenge !== "invalid_token") return undefined;
  const { error, nonce } = challenge ?? { error: shape.challenge, nonce: undefined };
  return encode(shape, `DPoP error="${error}", ${algsOf(dpop)}`, nonce);
}

function algsOf({ algorithms }: DpopOffer): string {
  return `algs="${algorithms.join(" ")}"`;
}

function challengeOf(shape: DenyShape, realm: string): string | undefined {
  switch (shape.challenge) {
    case "realm":
      return `Bearer realm="${realm.replace(/["\\]/g, "\\$&")}"`;
    case "invalid_request":
    case "invalid_token":
      return `Bearer error="${shape.challenge}"`;
    case "insufficient_scope":
      return scopeChallenge([]);
    case "none":
      return undefined;
  }
}

function scopeChallenge(scopes: readonly string[]): string {
  return `Bearer error="insufficient_scope", scope="${scopes.filter((scope) => SCOPE_TOKEN.test(scope)).join(" ")}"`;
}

function encode(shape: DenyShape, challenge: string | undefined, nonce?: string): Buffer {
  const { grpcCode, title } = STATUSES[shape.httpStatus];
  const headers = [headerOption("content-type", "application/problem+json"), headerOption("cache-control", "no-store")];
  if (challenge !== undefined) headers.push(headerOption("www-authenticate", challenge));
  if (nonce !== undefined) headers.push(headerOption("dpop-nonce", nonce));
  if (shape.httpStatus === 503) headers.push(headerOption("retry-after", String(RETRY_AFTER_S)));
  const body = JSON.stringify({ type: "about:blank", title, status: shape.httpStatus });
  return Buffer.concat([
    bytesField(STATUS, varintField(1, grpcCode)),
    bytesField(
      DENIED_RESPONSE,
      bytesField(DENIED_STATUS, varintField(1, shape.httpStatus)),
      ...headers,
      stringField(DENIED_BODY, body),
    ),
  ]);
}
