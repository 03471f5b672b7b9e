// The types that claims of any kind of token have. It judges no time and no name.

import { MAX_NAME_BYTES } from "../core/target.ts";

/** 2100-01-01T00:00:00Z in epoch seconds: a time beyond it is a mistake of units (milliseconds) or an attack. */
const MAX_TIME_S = 4_102_444_800;

/** RFC 7519 NumericDate: fractions are allowed. */
export function isTime(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= MAX_TIME_S;
}

/**
 * Absent, or a string with something in it: a number would lose digits and miss its revocation key. None is longer than
 * what can be revoked.
 */
export function isName(value: unknown): value is string | undefined {
  return (
    value === undefined || (typeof value === "string" && value !== "" && Buffer.byteLength(value) <= MAX_NAME_BYTES)
  );
}

export function isStringArray(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((element) => typeof element === "string");
}

/** The audiences a token is for, none where it has no `aud`; undefined where that is of the wrong type. */
export function audiencesOf(aud: unknown): readonly string[] | undefined {
  if (aud === undefined) return [];
  if (typeof aud === "string") return [aud];
  return isStringArray(aud) ? aud : undefined;
}
