// Finds the one credential of a request (RFC 6750 §2.1, RFC 9449 §7.1), and says whether it was damaged on its way. It
// never looks into the token.

import { err, ok, type Result } from "../core/result.ts";

const BEARER: Buffer = Buffer.from("bearer");
const DPOP: Buffer = Buffer.from("dpop");
const SPACE = 0x20;
const COMMA = 0x2c;
/** Set in a lower-case ASCII letter; no other byte becomes one by it. */
const LOWER_CASE = 0x20;

const MISSING: Result<never, "missing_token"> = err("missing_token");
const MALFORMED: Result<never, "malformed_request"> = err("malformed_request");

/**
 * What follows the scheme `Bearer`, in any case, and one space in the only Authorization value: a view of it. `values`
 * are all values found, 0 to n: several credentials are refused, never chosen from. Whether it may be a token at all is
 * left to the verifier, which asks `isDamaged` of all bytes that it has not already verified.
 */
export function bearerToken(values: readonly Buffer[]): Result<Buffer, "missing_token" | "malformed_request"> {
  return tokenBehind(BEARER, values);
}

/** As bearerToken, of the scheme `DPoP`. */
export function dpopToken(values: readonly Buffer[]): Result<Buffer, "missing_token" | "malformed_request"> {
  return tokenBehind(DPOP, values);
}

function tokenBehind(scheme: Buffer, values: readonly Buffer[]): Result<Buffer, "missing_token" | "malformed_request"> {
  const value = values[0];
  if (value === undefined) return MISSING;
  if (values.length > 1 || value.length <= scheme.length + 1 || value[scheme.length] !== SPACE) return MALFORMED;
  for (let at = 0; at < scheme.length; at++) {
    if (((value[at] as number) | LOWER_CASE) !== scheme[at]) return MALFORMED;
  }
  return ok(value.subarray(scheme.length + 1));
}

/** Whether a credential holds what none may: white space, a comma, a control or a byte above ASCII. */
export function isDamaged(credential: Uint8Array): boolean {
  for (const byte of credential) if (byte <= SPACE || byte >= 0x7f || byte === COMMA) return true;
  return false;
}
