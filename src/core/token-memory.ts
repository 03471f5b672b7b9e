// What is remembered of a token's past. Whatever else is known of it can be made anew of its bytes; this cannot. Decides nothing.

import type { Instant } from "./clock.ts";

/** Of one verified token, as long as it is remembered. The guard alone writes it. */
export interface TokenMemory {
  /** `asOf` of the last complete answer that found nothing; undefined: none yet, or one since found it revoked. */
  lastActiveAsOf: Instant | undefined;
}

export function createTokenMemory(): TokenMemory {
  return { lastActiveAsOf: undefined };
}
