// A risk tier: how old an answer may be, and how long an unanswered store is forgiven.

export interface Tier {
  readonly name: string;
  /** Position in the configuration, 0 is the strictest. */
  readonly rank: number;
  /** An answer younger than this many milliseconds is used without asking; 0 asks on every call. */
  readonly maxStalenessMs: number;
  /** While the store cannot answer: milliseconds after its last answer a call is still let through; 0 never. */
  readonly failOpenForMs: number;
}

/** The stricter of two tiers: the one written first in the configuration. */
export function stricter(a: Tier, b: Tier): Tier {
  return a.rank <= b.rank ? a : b;
}
