// How a further revocation of one target joins the one that stands (docs/redis-schema.md, Strengthening). Pure; it never makes anything weaker.

import { isWatermarkKind } from "../core/target.ts";
import { readWatermark } from "./judge.ts";
import { markerFacts } from "./marker-facts.ts";
import type { NewRevocation, StoredRevocation } from "./store.ts";

/** Ends `by` where others stand behind a revocation too. No caller's name has a comma, so it is nobody's own. */
const WITH_OTHERS = ", others";

/**
 * `revocation` as it will stand over the marker value `standing` (undefined: none), but for its expiry, which the store
 * joins as it knows it (see laterExpiry).
 */
export function strengthened(
  revocation: NewRevocation,
  seq: number | undefined,
  standing: string | undefined,
  expiresAtMs: number | undefined,
): StoredRevocation {
  return {
    ...revocation,
    seq,
    by: joinedBy(revocation.by, standing),
    issuedBeforeS: strongerWatermark(revocation, standing),
    expiresAtMs,
  };
}

/** Whoever strengthens what somebody else revoked does not make it his own, which he could lift. */
function joinedBy(by: string, standing: string | undefined): string {
  return standing === undefined || markerFacts(standing).by === by ? by : `${by}${WITH_OTHERS}`;
}

/**
 * The watermark to store, in epoch seconds, over the value that stands (undefined: none): the later of both. One that
 * cannot be read may have meant anything, and refuses its tokens with 503; the new one takes its place, but no lower
 * than the moment of the revocation, for whoever wrote it meant tokens of then. Undefined for existence kinds.
 */
function strongerWatermark(revocation: NewRevocation, standing: string | undefined): number | undefined {
  if (!isWatermarkKind(revocation.target.kind)) return undefined;
  const afterItself = Math.floor(revocation.atMs / 1000) + 1;
  const asked = revocation.issuedBeforeS ?? afterItself;
  if (standing === undefined) return asked;
  return Math.max(asked, readWatermark(standing) ?? afterItself);
}

/** The later of two expiries in epoch milliseconds; undefined, never, is the latest. */
export function laterExpiry(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : Math.max(a, b);
}
