// Counts distinct things over many counters without keeping or sending any of them: each keeps the smallest of their
// hashes ("k minimum values", Bar-Yossef et al. 2002). Exact below MAX_KEPT, an estimate beyond.

/** Of an estimate over so many values the standard error is 10 %. */
export const MAX_KEPT = 100;

/** So many bits a number holds exactly. */
export const HASH_BITS = 48;

export interface DistinctCounter {
  /** `hash`: from 0 to below 2^HASH_BITS, evenly spread. */
  add(hash: number): void;
  /** What was kept, ascending: at most MAX_KEPT. */
  kept(): readonly number[];
}

export interface DistinctCount {
  readonly count: number;
  readonly isExact: boolean;
}

export function createDistinctCounter(): DistinctCounter {
  const kept = new Set<number>();
  let largest = -1;
  return {
    add(hash) {
      if (kept.has(hash) || (kept.size === MAX_KEPT && hash > largest)) return;
      if (kept.size === MAX_KEPT) kept.delete(largest);
      kept.add(hash);
      largest = Math.max(...kept);
    },
    kept: () => [...kept].toSorted(ascending),
  };
}

/** How many distinct hashes these counters saw together, by what each kept. */
export function distinctCount(counters: readonly (readonly number[])[]): DistinctCount {
  const all = [...new Set(counters.flat())].toSorted(ascending);
  const isExact = counters.every((kept) => kept.length < MAX_KEPT);
  const kth = all[MAX_KEPT - 1];
  if (isExact || kth === undefined) return { count: all.length, isExact };
  return { count: Math.round((MAX_KEPT - 1) / (kth / 2 ** HASH_BITS)), isExact: false };
}

function ascending(a: number, b: number): number {
  return a - b;
}
