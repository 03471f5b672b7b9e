// Random numbers that are the same everywhere for a seed.

export interface Random {
  /** In [0, 1). */
  unit(): number;
  between(low: number, high: number): number;
  integer(below: number): number;
  chance(probability: number): boolean;
  pick<T>(items: readonly T[]): T;
}

/** mulberry32: small, fast, and the same everywhere for a seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const integer = (below: number): number => Math.floor(unit() * below);
  return {
    unit,
    between: (low, high) => low + unit() * (high - low),
    integer,
    chance: (probability) => unit() < probability,
    pick: (items) => items[integer(items.length)] as never,
  };
}
