// What a replica is told by whoever builds it. Plain compiled values: it never reads the configuration.

import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Published } from "./published.ts";
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
  /** Where it keeps what it learns; one of its own where left out. */
  readonly known?: Knowledge;
  /** Tells other threads that read what is known, at each change; left out: there are none. */
  readonly publish?: (state: Published) => void;
  /** How often the head is asked for, and so how old a position gets while all is well; ASK_EVERY_MS where left out. */
  readonly askEveryMs?: number;
  /** Called once entries were applied of which somebody waits for one, or may have been found by a scan. */
  readonly onAwaited?: () => void;
}
