// How many may follow at once: a stream takes a connection for as long as it likes, so all of them together leave most
// connections to calls, and no caller takes everybody's.

export interface Seats {
  /** Gives the seat back; undefined: there is none for this caller. */
  take(caller: string): (() => void) | undefined;
}

export function createSeats(maxCount: number, maxPerCaller: number): Seats {
  const taken = new Map<string, number>();
  let count = 0;
  return {
    take(caller) {
      const own = taken.get(caller) ?? 0;
      if (count >= maxCount || own >= maxPerCaller) return undefined;
      taken.set(caller, own + 1);
      count += 1;
      let isTaken = true;
      return () => {
        if (!isTaken) return;
        isTaken = false;
        count -= 1;
        const left = (taken.get(caller) ?? 1) - 1;
        if (left === 0) taken.delete(caller);
        else taken.set(caller, left);
      };
    },
  };
}
