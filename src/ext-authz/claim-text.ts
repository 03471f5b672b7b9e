// Decides how a claim's value reads as a header's value, or that it cannot: what is told to the upstream is exact.

import { err, ok, type Result } from "../core/result.ts";

/** Contract §3: longer values are refused. */
const MAX_BYTES = 4096;

/** C0 controls, DEL and C1 controls. */
const CONTROL = /\p{Cc}/u;
/** What most values are: nothing of it can be wrong but its length. */
const PLAIN = /^[\x21-\x7e]+$/;

/**
 * The text of a claim: "" where it has no value (absent, null, empty). Refused: objects, numbers that JSON readers
 * may disagree on, control characters, white space at an end, more than 4 KiB of UTF-8, and array elements that
 * would not come out of the space-joined list as they went in.
 */
export function claimText(value: unknown): Result<string, "claim_invalid"> {
  if (value === undefined || value === null) return ok("");
  const text = Array.isArray(value) ? joined(value) : scalarText(value);
  if (text === undefined || !isTellable(text)) return err("claim_invalid");
  return ok(text);
}

function joined(elements: readonly unknown[]): string | undefined {
  const texts: string[] = [];
  for (const element of elements) {
    const text = scalarText(element);
    if (text === undefined || text === "" || text.includes(" ")) return undefined;
    texts.push(text);
  }
  return texts.join(" ");
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (typeof value !== "number") return undefined;
  // 12345678901234567890 has already become another number (RFC 8259 §6).
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value))
    ? String(value)
    : undefined;
}

function isTellable(text: string): boolean {
  if (PLAIN.test(text)) return text.length <= MAX_BYTES;
  return (
    text.isWellFormed() && text.trim() === text && !CONTROL.test(text) && Buffer.byteLength(text, "utf8") <= MAX_BYTES
  );
}
