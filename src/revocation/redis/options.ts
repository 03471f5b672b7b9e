// What the Redis store is told by whoever builds it. Plain compiled values: it never reads the configuration.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";

export interface RedisStoreOptions {
  /** One server, Sentinels and the name they know it by, or a Cluster; user and password in it. See parsePlace. */
  readonly url: string;
  /** Put before every key. */
  readonly keyPrefix: string;
  /** Of one look-up; the store's own proofs of life take as long. */
  readonly timeoutMs: number;
  /** A maxmemory-policy other than noeviction makes the store unfit, for it may drop markers unasked. */
  readonly requireNoEviction: boolean;
  /**
   * Of a control plane: gives the store back what it acknowledged and then lost, and begins the feed where there is none.
   * Not in a Cluster.
   */
  readonly replays?: boolean;
  /** Of a control plane that does not replay: begins the feed on connecting, where there is none. Not in a Cluster. */
  readonly beginsFeed?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}
