// The feed of a store that lives in this process: what is written through it here is known to the guard at once, for no
// answer asked for before is used again. It tells nothing of what another process writes into the same file.

import type { Clock, Instant } from "../core/clock.ts";
import type { RevocationStore } from "./revocation-store.ts";

/** `store`, telling when it was last written to. */
export function feedInProcess(store: RevocationStore, clock: Clock): RevocationStore {
  let writtenAt: Instant | undefined;
  // Whether it is told as done or not: it may have happened.
  const noting = async <T>(write: Promise<T>): Promise<T> => {
    const result = await write;
    writtenAt = clock.now();
    return result;
  };
  return {
    ...store,
    put: (revocation) => noting(store.put(revocation)),
    lift: (id) => noting(store.lift(id)),
    writtenAt: () => writtenAt,
  };
}
