// Remembers which DPoP proofs were used, for as long as they could be used again (RFC 9449 §11.1). It forgets none early: when
// it is full, no further one is taken.

import { hash } from "node:crypto";

export interface SeenProofs {
  /** Whether this is the first use of proof `id` of the key `jkt`; it is remembered as used. */
  use(jkt: string, id: string, monotonicMs: number): "first" | "again" | "full";
}

export interface SeenProofsOptions {
  /** For so long after its first use, at least, a proof could be good. */
  readonly windowMs: number;
  readonly maxProofs: number;
}

/**
 * Two generations, each of one window: a proof is forgotten one to two windows after it was used, and nothing is ever
 * searched for what is old.
 */
export function createSeenProofs({ windowMs, maxProofs }: SeenProofsOptions): SeenProofs {
  let current = new Set<string>();
  let previous = new Set<string>();
  let beganAtMs = -Infinity;

  function turn(monotonicMs: number): void {
    const ageMs = monotonicMs - beganAtMs;
    if (ageMs < windowMs) return;
    previous = ageMs < 2 * windowMs ? current : new Set();
    current = new Set();
    beganAtMs = monotonicMs;
  }

  return {
    use(jkt, id, monotonicMs) {
      turn(monotonicMs);
      // A thumbprint has one length, so no two pairs are the same text.
      const key = hash("sha256", jkt + id, "base64url").slice(0, KEY_LENGTH);
      if (current.has(key) || previous.has(key)) return "again";
      if (current.size + previous.size >= maxProofs) return "full";
      current.add(key);
      return "first";
    },
  };
}

/** 132 bits: no two proofs ever share them by chance, or by work. */
const KEY_LENGTH = 22;
