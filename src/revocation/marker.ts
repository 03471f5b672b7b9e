// The value of a marker that Portcullis writes (contract §5), and what can be told from any marker's value. Judging a
// token by it is judge.ts's alone.

import { isWatermarkKind, type Target } from "../core/target.ts";
import { readWatermark } from "./judge.ts";
import type { StoredRevocation } from "./store.ts";

/** The JSON that stands under the marker's key. The expiry is the key's own, never the value's. */
export function markerValue(revocation: StoredRevocation): string {
  return JSON.stringify({
    v: 1,
    id: revocation.id,
    seq: revocation.seq,
    issued_before: revocation.issuedBeforeS,
    reason: revocation.reason,
    by: revocation.by,
    at: revocation.atMs,
  });
}

/** The id in a marker's value; undefined where another program wrote it without one. */
export function markerId(value: string): string | undefined {
  return text(members(value)["id"]) || undefined;
}

/** Who wrote a marker; undefined where another program did without saying. */
export function markerBy(value: string): string | undefined {
  return text(members(value)["by"]);
}

/**
 * The revocation that a marker stands for. What another program's value does not tell is empty: `reason` and `by` "",
 * `atMs` 0, `seq` undefined; `issuedBeforeS` is undefined for an unreadable watermark too.
 */
export function revocationOf(
  id: string,
  target: Target,
  value: string,
  expiresAtMs: number | undefined,
): StoredRevocation {
  const told = members(value);
  return {
    id,
    seq: number(told["seq"]),
    target,
    reason: text(told["reason"]) ?? "",
    by: text(told["by"]) ?? "",
    atMs: number(told["at"]) ?? 0,
    issuedBeforeS: isWatermarkKind(target.kind) ? readWatermark(value) : undefined,
    expiresAtMs,
  };
}

function members(value: string): Record<string, unknown> {
  if (!value.startsWith("{")) return {};
  try {
    return JSON.parse(value) as Record<string, unknown>;
  } catch {
    return {}; // another program's value, which need not be JSON
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}
