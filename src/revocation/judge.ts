// Judges the values read for one token's keys (docs/redis-schema.md). Pure; a value it cannot read is never "not revoked".

import type { RevokedBy } from "../core/evidence.ts";
import { isWatermarkKind, type TargetKind } from "../core/target.ts";
import { markerFacts } from "./marker-facts.ts";

export type Judgement =
  | { readonly state: "active" }
  | { readonly state: "revoked"; readonly by: RevokedBy }
  /** A watermark stands that we cannot read, and nothing readable revokes the token. */
  | { readonly state: "unreadable"; readonly kind: TargetKind };

const ACTIVE: Judgement = { state: "active" };

/** Sixteen digits hold every safe integer; a longer number would lose its last digits on reading. */
const BARE_INTEGER = /^-?[0-9]{1,16}$/;

/** Judges a token issued at `issuedAtS` (epoch seconds); `values[i]` was read for a key of `kinds[i]`. */
export function judge(kinds: readonly TargetKind[], issuedAtS: number, values: readonly (string | null)[]): Judgement {
  let unreadable: TargetKind | undefined;
  for (let i = 0; i < kinds.length; i++) {
    const value = values[i];
    const kind = kinds[i];
    if (value === null || value === undefined || kind === undefined) continue;
    if (!isWatermarkKind(kind)) return { state: "revoked", by: { kind, revocationId: markerFacts(value).id } };
    const issuedBeforeS = readWatermark(value);
    if (issuedBeforeS === undefined) unreadable ??= kind;
    else if (issuedAtS < issuedBeforeS) return { state: "revoked", by: { kind, revocationId: markerFacts(value).id } };
  }
  return unreadable === undefined ? ACTIVE : { state: "unreadable", kind: unreadable };
}

/** The epoch seconds of a watermark's value: a bare integer, or our JSON's `issued_before`; undefined if neither. */
export function readWatermark(value: string): number | undefined {
  return BARE_INTEGER.test(value) ? Number(value) : markerFacts(value).issuedBeforeS;
}
