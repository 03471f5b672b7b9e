// Reads what SCAN answers. Pure.

import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault } from "./fault.ts";

export interface ScanReply {
  /** Where to go on; "0": it is through. */
  readonly next: string;
  /** A key may be there twice. */
  readonly keys: readonly string[];
}

/** Whether `text` is an unsigned number of 64 bits: Redis takes no other. */
export function isScanCursor(text: string): boolean {
  return /^[0-9]{1,20}$/.test(text) && BigInt(text) < 2n ** 64n;
}

export function scanStepOf(reply: unknown): Result<ScanReply, StoreFault> {
  const [next, keys] = Array.isArray(reply) ? (reply as readonly unknown[]) : [];
  if (typeof next !== "string" || !isScanCursor(next) || !isTexts(keys)) {
    return err(fault("protocol", "SCAN answered in an unknown shape"));
  }
  return ok({ next, keys });
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
