// Bounds how much may be in flight at once; past the bound it refuses at once. It never queues and never waits.

export interface Bulkhead {
  /** Takes a place; false when all are taken. Each true is owed exactly one leave(). */
  tryEnter(): boolean;
  leave(): void;
  /** Places taken now. */
  readonly inFlight: number;
}

/** `limit` places, at least 1. A leave() without a place taken is a bug and throws. */
export function createBulkhead(limit: number): Bulkhead {
  if (!Number.isInteger(limit) || limit < 1)
    throw new RangeError(`a bulkhead needs a limit of at least 1, not ${limit}`);
  let inFlight = 0;
  return {
    tryEnter() {
      if (inFlight >= limit) return false;
      inFlight += 1;
      return true;
    },
    leave() {
      if (inFlight === 0) throw new Error("left a bulkhead nobody had entered");
      inFlight -= 1;
    },
    get inFlight() {
      return inFlight;
    },
  };
}
