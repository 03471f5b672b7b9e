// The closed list of deny reasons and what each looks like on the wire. Exact reasons stay inside:
// the caller sees status and challenge only.

/** Which `www-authenticate` challenge goes with a denial (RFC 6750 §3). */
export type Challenge = "realm" | "invalid_request" | "invalid_token" | "insufficient_scope" | "none";

export const DENY_REASONS = [
  "missing_token",
  "malformed_request",
  "ambiguous_path",
  "malformed_token",
  "token_too_large",
  "unsupported_token",
  "unknown_issuer",
  "unknown_key",
  "algorithm_not_allowed",
  "bad_signature",
  "expired",
  "not_yet_valid",
  "wrong_audience",
  "wrong_type",
  "lifetime_too_long",
  "claim_invalid",
  "revoked",
  "insufficient_scope",
  "revocation_unavailable",
  "keys_unavailable",
  "overloaded",
  "config_error",
  "internal_error",
] as const;
export type DenyReason = (typeof DENY_REASONS)[number];

export interface DenyShape {
  readonly httpStatus: 400 | 401 | 403 | 503;
  readonly challenge: Challenge;
}

const INVALID_REQUEST: DenyShape = { httpStatus: 400, challenge: "invalid_request" };
const INVALID_TOKEN: DenyShape = { httpStatus: 401, challenge: "invalid_token" };
const UNAVAILABLE: DenyShape = { httpStatus: 503, challenge: "none" };

export const DENY_SHAPES: Readonly<Record<DenyReason, DenyShape>> = {
  missing_token: { httpStatus: 401, challenge: "realm" },
  malformed_request: INVALID_REQUEST,
  ambiguous_path: INVALID_REQUEST,
  malformed_token: INVALID_TOKEN,
  token_too_large: INVALID_TOKEN,
  unsupported_token: INVALID_TOKEN,
  unknown_issuer: INVALID_TOKEN,
  unknown_key: INVALID_TOKEN,
  algorithm_not_allowed: INVALID_TOKEN,
  bad_signature: INVALID_TOKEN,
  expired: INVALID_TOKEN,
  not_yet_valid: INVALID_TOKEN,
  wrong_audience: INVALID_TOKEN,
  wrong_type: INVALID_TOKEN,
  lifetime_too_long: INVALID_TOKEN,
  claim_invalid: INVALID_TOKEN,
  revoked: INVALID_TOKEN,
  insufficient_scope: { httpStatus: 403, challenge: "insufficient_scope" },
  revocation_unavailable: UNAVAILABLE,
  keys_unavailable: UNAVAILABLE,
  overloaded: UNAVAILABLE,
  config_error: UNAVAILABLE,
  internal_error: UNAVAILABLE,
};
