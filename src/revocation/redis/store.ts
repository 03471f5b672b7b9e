// Opens the Redis store that a URL means: one primary at a time, or a Cluster.

import type { RevocationStore } from "../revocation-store.ts";
import { createClusterStore } from "./cluster-store.ts";
import type { RedisStoreOptions } from "./options.ts";
import { parsePlace } from "./place.ts";
import { createPrimaryStore } from "./primary-store.ts";

/** Throws a RangeError for a URL that parsePlace refuses: the configuration has been checked before. */
export function createRedisStore(options: RedisStoreOptions): RevocationStore {
  const place = parsePlace(options.url);
  if (!place.ok) throw new RangeError(`store URL: ${place.error}`);
  if (place.value.kind === "cluster") return createClusterStore(place.value, options);
  return createPrimaryStore(place.value, options);
}
