// How many batches may be under way, in all and of one caller. It never waits: one too many is told so.

export interface RoomForBatches {
  /** Whether there was room; if so, `leave` is due once for it. */
  enter(caller: string): boolean;
  leave(caller: string): void;
}

export function createRoomForBatches(maxInAll: number, maxOfOneCaller: number): RoomForBatches {
  const underWay = new Map<string, number>();
  let inAll = 0;
  return {
    enter(caller) {
      const own = underWay.get(caller) ?? 0;
      if (inAll >= maxInAll || own >= maxOfOneCaller) return false;
      underWay.set(caller, own + 1);
      inAll += 1;
      return true;
    },
    leave(caller) {
      const left = (underWay.get(caller) ?? 0) - 1;
      if (left > 0) underWay.set(caller, left);
      else underWay.delete(caller);
      inAll -= 1;
    },
  };
}
