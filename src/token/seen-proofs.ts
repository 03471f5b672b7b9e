// Remembers which DPoP proofs were used, for as long as they could be used again (RFC 9449 §11.1). It forgets none early: who
// has used up his share of it, or all, has no further one taken.

import { hash } from "node:crypto";

export interface SeenProofs {
  /**
   * Whether this is the first use of proof `id` of the key `jkt`; it is remembered as used. `full`: the key has as many
   * remembered as there is room left, so that no flood of one key's ends the others'.
   */
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
  let current = generation();
  let previous = generation();
  let beganAtMs = -Infinity;

  function turn(monotonicMs: number): void {
    const ageMs = monotonicMs - beganAtMs;
    if (ageMs < windowMs) return;
    previous = ageMs < 2 * windowMs ? current : generation();
    current = generation();
    beganAtMs = monotonicMs;
  }

  return {
    use(jkt, id, monotonicMs) {
      turn(monotonicMs);
      // A thumbprint has one length, so no two pairs are the same text.
      const key = hash("sha256", jkt + id, "base64url").slice(0, KEY_LENGTH);
      if (current.proofs.has(key) || previous.proofs.has(key)) return "again";
      const own = current.countByKey.get(jkt) ?? 0;
      const left = maxProofs - current.proofs.size - previous.proofs.size;
      if (own + (previous.countByKey.get(jkt) ?? 0) >= left) return "full";
      current.proofs.add(key);
      current.countByKey.set(jkt, own + 1);
      return "first";
    },
  };
}

/** 132 bits: no two proofs ever share them by chance, or by work. */
const KEY_LENGTH = 22;

interface Generation {
  readonly proofs: Set<string>;
  /** How many of them are of which key. */
  readonly countByKey: Map<string, number>;
}

function generation(): Generation {
  return { proofs: new Set(), countByKey: new Map() };
}
