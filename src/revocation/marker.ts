// The value of a marker that Portcullis writes (docs/redis-schema.md), and the revocation that any marker stands for. Judging a
// token by it is judge.ts's alone.

import { isWatermarkKind, type Target } from "../core/target.ts";
import { readWatermark } from "./judge.ts";
import { markerFacts } from "./marker-facts.ts";
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

/** The same in two parts, for a store that counts only while it writes: the digits of `seq` go between them. */
export function markerValueAroundSeq(revocation: StoredRevocation): readonly [string, string] {
  const whole = markerValue({ ...revocation, seq: 0 });
  const member = '"seq":';
  const at = whole.indexOf(`${member}0,`) + member.length; // within a text its quotes would be escaped
  return [whole.slice(0, at), whole.slice(at + 1)];
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
  const { seq, reason = "", by = "", atMs = 0 } = markerFacts(value);
  return {
    id,
    seq,
    target,
    reason,
    by,
    atMs,
    issuedBeforeS: isWatermarkKind(target.kind) ? readWatermark(value) : undefined,
    expiresAtMs,
  };
}
