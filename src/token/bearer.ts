// Finds the one credential of a request (RFC 6750 §2.1), and says whether it was damaged on its way. It never looks
// into the token.

import { err, ok, type Result } from "../core/result.ts";

const SCHEME = "bearer ";
/** Anything but visible ASCII, and the comma by which a proxy joins two values into one. */
const DAMAGED = /[^\x21-\x2b\x2d-\x7e]/;

const MISSING: Result<never, "missing_token"> = err("missing_token");
const MALFORMED: Result<never, "malformed_request"> = err("malformed_request");

/**
 * What follows the scheme `Bearer`, in any case, and one space in the only Authorization value. `values` are all values
 * found, 0 to n: several credentials are refused, never chosen from. Whether it may be a token at all is left to the
 * verifier, which asks `isDamaged` of every text that it has not already verified.
 */
export function bearerToken(values: readonly string[]): Result<string, "missing_token" | "malformed_request"> {
  const value = values[0];
  if (value === undefined) return MISSING;
  if (values.length > 1 || value.length <= SCHEME.length) return MALFORMED;
  if (value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return MALFORMED;
  return ok(value.slice(SCHEME.length));
}

/** Whether a credential holds what none may: white space, a comma, a control or a byte above ASCII. */
export function isDamaged(credential: string): boolean {
  return DAMAGED.test(credential);
}
