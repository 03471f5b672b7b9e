// What a marker's value says, by the letter of docs/redis-schema.md: the second reading that random tests hold ours to.

import { isWatermarkKind, type TargetKind } from "../../src/core/target.ts";

/** Epoch seconds: a bare integer, or our JSON's number; undefined: nobody can read it. */
function watermarkOf(text: string): number | undefined {
  if (/^-?\d{1,16}$/.test(text)) return Number.parseInt(text, 10);
  try {
    const told: unknown = text.startsWith("{") ? JSON.parse(text) : undefined;
    const before = (told as { issued_before?: unknown } | undefined)?.issued_before;
    return typeof before === "number" && Number.isFinite(before) ? before : undefined;
  } catch {
    return undefined;
  }
}

/** How a token issued at `issuedAtS` stands under markers of which each has a kind, and a value or null. */
export function standingUnder(
  markers: readonly (readonly [kind: TargetKind, text: string | null])[],
  issuedAtS: number,
): "active" | "revoked" | "unreadable" {
  const standing = markers.flatMap(([kind, text]) => (text === null ? [] : [{ kind, text }]));
  const revokes = standing.some(({ kind, text }) => {
    return !isWatermarkKind(kind) || issuedAtS < (watermarkOf(text) ?? -Infinity);
  });
  if (revokes) return "revoked";
  const isUnreadable = standing.some(({ kind, text }) => isWatermarkKind(kind) && watermarkOf(text) === undefined);
  return isUnreadable ? "unreadable" : "active";
}
