// Token buckets by key in bounded memory. Decides only whether one more is too many now; it never waits.

export interface Rate {
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burstCount: number;
}

export interface RateLimiter {
  /** Takes one: 0 when there was one, otherwise the milliseconds until there will be. `nowMs` is monotonic. */
  take(key: string, nowMs: number): number;
  /** Gives back one that was taken. */
  giveBack(key: string): void;
}

interface Bucket {
  readonly left: number;
  readonly atMs: number;
}

/**
 * Keeps at most `maxKeys` buckets. The one untouched for longest makes room: who comes under ever new keys gains a
 * full bucket each time, but takes no memory and nobody else's tokens.
 */
export function createRateLimiter(rate: Rate, maxKeys: number): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, nowMs) {
      const bucket = buckets.get(key) ?? { left: rate.burstCount, atMs: nowMs };
      const refilled = bucket.left + ((nowMs - bucket.atMs) * rate.perSecond) / 1_000;
      const left = Math.min(rate.burstCount, refilled);
      const waitMs = left >= 1 ? 0 : Math.ceil(((1 - left) * 1_000) / rate.perSecond);
      buckets.delete(key); // back in at the end: the Map's order is that of last use
      buckets.set(key, { left: waitMs === 0 ? left - 1 : left, atMs: nowMs });
      if (buckets.size > maxKeys) dropOldest(buckets);
      return waitMs;
    },
    giveBack(key) {
      const bucket = buckets.get(key);
      if (bucket !== undefined)
        buckets.set(key, { left: Math.min(rate.burstCount, bucket.left + 1), atMs: bucket.atMs });
    },
  };
}

function dropOldest(buckets: Map<string, Bucket>): void {
  const oldest = buckets.keys().next();
  if (oldest.done !== true) buckets.delete(oldest.value);
}

/** The key of a remote address: of IPv6 the /64, since one host owns all of it. */
export function addressKey(address: string): string {
  if (!address.includes(":") || address.startsWith("::ffff:")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const rightCount = tail === undefined || tail === "" ? 0 : tail.split(":").length;
  const zeros = tail === undefined ? 0 : 8 - left.length - rightCount;
  const groups = [...left, ...Array.from({ length: Math.max(0, zeros) }, () => "0"), ...(tail?.split(":") ?? [])];
  return groups.slice(0, 4).join(":");
}
