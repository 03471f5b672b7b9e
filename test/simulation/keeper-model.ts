// A control plane of the simulated world that remembers the feed: what the store loses at a failover it gives back, after
// it has found its way to the new server.

import type { StoreModel } from "./store-model.ts";
import type { World } from "./world.ts";

export interface Keeper {
  /** Takes the store as a replica has it now; the function returned fails over to that. */
  replicate(): (onVouched: () => void) => void;
  /** The store has lost something, and not everything is back. */
  isReplaying(): boolean;
}

const SIGN_LASTS_MS = 10_000;
const SIGN_EVERY_MS = 1_000;

/** The longest that a control plane takes to be back at a store that answers. */
const BACK_WITHIN_MS = 1_500;

export function startKeeper(world: World, store: StoreModel): Keeper {
  const { random } = world;
  let failovers = 0;
  let isReplaying = false;

  const sign = (): void => void (store.signedUntilMs = world.trueMs() + SIGN_LASTS_MS);

  /** Does its step after a while, if the store has been in reach all the time; else begins anew once it is. */
  function whenBack(withinMs: number, step: () => void): void {
    const { connection } = store;
    world.outside(random.between(0, withinMs), () => {
      if (store.mode.kind === "up" && store.connection === connection) return step();
      const wait = (): void => (store.mode.kind === "up" ? whenBack(BACK_WITHIN_MS, step) : world.outside(1, wait));
      wait();
    });
  }

  function beat(): void {
    world.outside(SIGN_EVERY_MS, beat);
    if (store.mode.kind === "up" && store.vouchedFor === store.server) sign();
  }

  store.vouchedFor = store.server;
  sign();
  beat();
  return {
    isReplaying: () => isReplaying,
    replicate() {
      const { vouchedFor, signedUntilMs } = store;
      const restore = snapshot(store);
      const failover = failovers;
      return (onVouched) => {
        if (isReplaying || failover !== failovers) return;
        failovers += 1;
        isReplaying = true;
        const giveBack = snapshot(store);
        restore();
        store.server = `server-${failovers}`;
        store.connection += 1;
        Object.assign(store, { vouchedFor, signedUntilMs });
        whenBack(BACK_WITHIN_MS, () => {
          sign();
          whenBack(random.pick([50, 3_000]), () => {
            giveBack();
            store.vouchedFor = store.server;
            isReplaying = false;
            onVouched();
          });
        });
      };
    },
  };
}

/** Values and feed as they are now. */
function snapshot(store: StoreModel): () => void {
  const values = new Map(store.values);
  const { head, log } = store.feed;
  const entries = [...log];
  return () => {
    store.values.clear();
    for (const [key, value] of values) store.values.set(key, value);
    store.feed.head = head;
    store.feed.log = [...entries];
    store.feed.connection += 1;
    for (const tell of store.feed.listeners) tell(null);
  };
}
