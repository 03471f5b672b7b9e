// Finds the one credential of a request (RFC 6750 §2.1). It never looks into the token.

import { err, ok, type Result } from "../core/result.ts";

const SCHEME = "bearer ";
/** Anything but visible ASCII, and the comma by which a proxy joins two values into one. */
const DAMAGED = /[^\x21-\x2b\x2d-\x7e]/;

const MISSING: Result<never, "missing_token"> = err("missing_token");
const MALFORMED: Result<never, "malformed_request"> = err("malformed_request");

/**
 * The token of the only Authorization value: scheme `Bearer` in any case, one space, then visible ASCII to the end.
 * `values` are all values found, 0 to n. Several credentials are refused, never chosen from.
 */
export function bearerToken(values: readonly string[]): Result<string, "missing_token" | "malformed_request"> {
  const value = values[0];
  if (value === undefined) return MISSING;
  if (values.length > 1 || value.length <= SCHEME.length) return MALFORMED;
  if (value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return MALFORMED;
  const token = value.slice(SCHEME.length);
  return DAMAGED.test(token) ? MALFORMED : ok(token);
}
