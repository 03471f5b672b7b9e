// What a replica is told by whoever builds it. Plain compiled values: it never reads the configuration.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { ReplicaSource } from "./source.ts";

export interface ReplicaOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: Log;
  readonly observer: Pick<Observer, "replicaIs">;
  /** In [0, 1): spreads a fleet. */
  readonly random: () => number;
  /** While other writers are not heard: from the start of one scan to that of the next, unless it takes longer itself. */
  readonly scanEveryMs: number;
  /** false: nobody writes but through the feed, so there is nobody to hear, and no scan that anything waits for. */
  readonly directWriters: boolean;
  /** Called once entries were applied of which somebody waits for one, or may have been found by a scan. */
  readonly onAwaited?: () => void;
}
