// Reads the answer to an MGET. Pure.

import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";

export type Values = readonly (string | null)[];

export function valuesOf(reply: unknown, count: number): Result<Values, StoreFault> {
  if (Array.isArray(reply) && reply.length === count && reply.every(isValue)) return ok(reply);
  return err(fault("protocol", "MGET answered in an unknown shape"));
}

/** Not so of an error inside an array, which a proxy before Redis may answer for one key of several. */
function isValue(element: unknown): element is string | null {
  return element === null || typeof element === "string";
}
