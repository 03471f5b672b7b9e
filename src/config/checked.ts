// Reads values of a file that was found without fault: what cannot be read here is a bug of the schema.

import { ISSUER } from "./defaults.ts";
import { readDuration } from "./units.ts";
import type { WrittenFile } from "./written.ts";

/** The issuer called main, or the only one; of several without a main none is meant. */
export function defaultIssuer(issuers: WrittenFile["issuers"]): string | undefined {
  const ids = issuers.map((issuer) => issuer.id ?? ISSUER.id);
  return ids.length === 1 ? ids[0] : ids.find((id) => id === ISSUER.id);
}

/** Milliseconds of a duration. */
export function ms(text: string): number {
  return must(readDuration(text));
}

export function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the schema let a value through that cannot be compiled");
  return value;
}
