// Tells of several parts of a store what is told of one: up while all are, and the worst of their breakers. Pure but for
// what it reports.

import type { BreakerStateName, Observer } from "../core/observer.ts";

export type StoreObserver = Pick<Observer, "batchSent" | "storeFailed" | "storeUp" | "breakerIs">;

export interface JointObserver {
  /** To whom a part reports. */
  of(name: string): StoreObserver;
  /** It is no part any more. */
  drop(name: string): void;
}

const BADNESS: Readonly<Record<BreakerStateName, number>> = { closed: 0, "half-open": 1, open: 2 };

export function createJointObserver(observer: StoreObserver): JointObserver {
  const ups = new Map<string, boolean>();
  const breakers = new Map<string, BreakerStateName>();
  let lastUp: boolean | undefined;
  let lastBreaker: BreakerStateName | undefined;

  function report(): void {
    const up = ups.size === 0 ? undefined : [...ups.values()].every(Boolean);
    if (up !== undefined && up !== lastUp) observer.storeUp(up);
    lastUp = up ?? lastUp;
    let worst: BreakerStateName = "closed";
    for (const state of breakers.values()) if (BADNESS[state] > BADNESS[worst]) worst = state;
    if (worst !== lastBreaker) observer.breakerIs(worst);
    lastBreaker = worst;
  }

  return {
    of: (name) => ({
      batchSent: (keyCount) => observer.batchSent(keyCount),
      storeFailed: (cause) => observer.storeFailed(cause),
      storeUp(up) {
        ups.set(name, up);
        report();
      },
      breakerIs(state) {
        breakers.set(name, state);
        report();
      },
    }),
    drop(name) {
      ups.delete(name);
      breakers.delete(name);
      report();
    },
  };
}
