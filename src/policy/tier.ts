// Decides the strictest tier that any source asks for: route, the token's scopes, Envoy's own word. Never lowers one.

import { stricter, type Tier } from "../core/tier.ts";

/** A token that carries a matching scope is never judged below `tier`. */
export interface ScopeFloorRule {
  /** A scope, or its beginning followed by `*`, which stands for any further characters, none too: `payments:*`. */
  readonly scope: string;
  readonly tier: Tier;
}

/** The tiers of the configuration, strictest first, and the floors that scopes set. */
export interface TierTable {
  readonly strictest: Tier;
  /** Undefined: no tier has this name, which is a configuration error and never a guess. */
  named(name: string): Tier | undefined;
  /** The strictest floor of a token's scopes; undefined: they set none. Ask once per token. */
  floorOf(scopes: readonly string[]): Tier | undefined;
}

/** `tiers` in the order of the configuration (rank 0 first), at least one. */
export function compileTiers(tiers: readonly Tier[], floors: readonly ScopeFloorRule[]): TierTable {
  const [first, ...others] = tiers;
  if (first === undefined) throw new Error("a tier table needs at least one tier");
  const byName = new Map(tiers.map((tier) => [tier.name, tier]));
  return {
    strictest: others.reduce(stricter, first),
    named: (name) => byName.get(name),
    floorOf: (scopes) => strictestFloor(floors, scopes),
  };
}

function strictestFloor(floors: readonly ScopeFloorRule[], scopes: readonly string[]): Tier | undefined {
  let strictest: Tier | undefined;
  for (const floor of floors) {
    if (!scopes.some((scope) => matchesScope(floor.scope, scope))) continue;
    strictest = strictest === undefined ? floor.tier : stricter(strictest, floor.tier);
  }
  return strictest;
}

function matchesScope(pattern: string, scope: string): boolean {
  return pattern.endsWith("*") ? scope.startsWith(pattern.slice(0, -1)) : scope === pattern;
}
