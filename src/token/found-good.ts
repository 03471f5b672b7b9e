// What is known of a token that was found good, beside what its bytes say: whose it is, by which key, and when it is good. Of its
// key it judges whether that is still its issuer's.

import type { Instant } from "../core/clock.ts";
import type { Times } from "./claims.ts";
import type { Issuer } from "./issuer.ts";
import type { KeySet } from "./key-set.ts";
import type { VerifyKey } from "./verify-key.ts";

export interface FoundGood extends Times {
  readonly issuer: Issuer;
  readonly key: VerifyKey;
  /** The last set seen to hold `key`. */
  keysSeen: KeySet;
  /** On the monotonic clock. */
  seenAtMs: number;
}

/** Whether the key that verified the token is still one of its issuer's; of an unchanged set one comparison. */
export function isKeyCurrent(entry: FoundGood, now: Instant): boolean {
  const keys = entry.issuer.keys.current(now);
  if (keys === entry.keysSeen) return true;
  if (!keys.keys.has(entry.key)) return false;
  entry.keysSeen = keys;
  return true;
}
