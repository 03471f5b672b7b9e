// When all markers are read anew, how hastily, and what that proves: a scan counts for what had begun before it, and only
// when it is through. It decides no position.

import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { Knowledge } from "./knowledge.ts";
import { Pace } from "./pace.ts";
import type { Pauses } from "./pauses.ts";
import type { Moment, ReplicaSource } from "./source.ts";
import { walkMarkers } from "./walk.ts";

export interface ScansOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly known: Knowledge;
  readonly pauses: Pauses;
  /** In [0, 1). */
  readonly random: () => number;
  /** While other writers are not heard: from the start of one to that of the next, unless it takes longer. */
  readonly everyMs: number;
  /** Whether there are other writers at all. */
  readonly directWriters: boolean;
  /** undefined: it failed, or the stretch is over. */
  readonly read: (stretch: object, keys: readonly string[]) => Promise<Moment | undefined>;
  readonly isCurrent: (stretch: object) => boolean;
  /** All that stood at `beganAt` and still stands is known. */
  readonly onDone: (beganAt: Instant) => void;
}

/**
 * To cover what has begun (a stretch of the feed, a push): the position waits for it. To look for what nobody tells of:
 * the position is its start. To patrol where everything is told: nothing waits.
 */
type Purpose = "cover" | "look" | "patrol";

interface Scan {
  readonly purpose: Purpose;
  readonly stretch: object;
  readonly push: object | undefined;
  readonly dueAt: Instant;
}

/** After one that failed, or for a push that comes and goes. */
const AGAIN_AFTER_MS = 1_000;

/** What makes one sidecar read everything anew (a failover) makes the whole fleet: the first steps are spread over this. */
const SPREAD_MS = 2_000;

/** The shortest pauses after steps of 250 keys: up to some 50,000 and 20,000 keys a second. */
const SHORTEST_PAUSE_MS: Readonly<Record<"cover" | "look", number>> = { cover: 3, look: 12 };

/** 33 keys a second: of a thousand sidecars together a tenth of what a Redis can. */
const PATROL_PAUSE_MS = 7_500;

export class Scans {
  readonly #options: ScansOptions;
  readonly #pace: Pace;
  #running: Scan | undefined;
  #last: Scan | undefined;
  #coveredStretch: object | undefined;
  #coveredPush: object | undefined;

  constructor(options: ScansOptions) {
    this.#options = options;
    this.#pace = new Pace(options.random);
  }

  /** Whether a whole scan has begun since this stretch of the feed did. */
  coversStretch(stretch: object): boolean {
    return this.#coveredStretch === stretch;
  }

  /** Whether a whole scan has begun since this push was opened. */
  coversPush(push: object): boolean {
    return this.#coveredPush === push;
  }

  /** What was heard from the push is not all. */
  uncoverPush(): void {
    this.#coveredPush = undefined;
  }

  /** Begins one if it is due; `push` undefined: none is open. */
  beginIfDue(stretch: object, push: object | undefined): void {
    const now = this.#options.clock.now();
    const purpose = this.#purpose(stretch, push);
    if (this.#running !== undefined && !isPast(this.#running, purpose, stretch, push, now)) return;
    const last = this.#last;
    const sinceMs = last === undefined ? Infinity : ageMs(last.dueAt, now);
    const isNews = purpose === "cover" && (last?.stretch !== stretch || this.#running !== undefined);
    if (isNews || sinceMs >= (purpose === "cover" ? AGAIN_AFTER_MS : this.#options.everyMs)) {
      void this.#scan({ purpose, stretch, push, dueAt: now });
    }
  }

  #purpose(stretch: object, push: object | undefined): Purpose {
    if (!this.coversStretch(stretch) || (push !== undefined && !this.coversPush(push))) return "cover";
    return push === undefined && this.#options.directWriters ? "look" : "patrol";
  }

  async #scan(scan: Scan): Promise<void> {
    const { source, clock, known, pauses, read, isCurrent } = this.#options;
    const isFirst = this.#last === undefined;
    this.#running = scan;
    this.#last = scan;
    const isWanted = (): boolean => this.#running === scan && isCurrent(scan.stretch);
    if (!isFirst) await pauses.wait(this.#firstPauseMs(scan.purpose));
    if (isWanted()) {
      const beganAt = clock.now();
      known.beginGeneration();
      const isThrough = await walkMarkers({
        source,
        clock,
        isWanted,
        read: (keys) => read(scan.stretch, keys),
        pause: (tookMs) => pauses.wait(this.#pauseMs(scan.purpose, tookMs)),
      });
      if (isThrough) await this.#end(scan, beganAt, isWanted);
    }
    if (this.#running === scan) this.#running = undefined;
  }

  async #end({ stretch, push }: Scan, beganAt: Instant, isWanted: () => boolean): Promise<void> {
    const { known, pauses, onDone } = this.#options;
    // Before it counts: what is gone from the store must not refuse anybody as if it were known to stand.
    for (let next = known.forgetOlder(0); next !== 0; next = known.forgetOlder(next)) {
      await pauses.turn();
      if (!isWanted()) return; // another has begun, to which everything known is older
    }
    this.#coveredStretch = stretch;
    this.#coveredPush = push;
    onDone(beganAt);
  }

  #firstPauseMs(purpose: Purpose): number {
    if (purpose === "patrol") return this.#pace.around(PATROL_PAUSE_MS);
    return this.#pace.upTo(Math.min(SPREAD_MS, this.#options.everyMs));
  }

  #pauseMs(purpose: Purpose, tookMs: number): number {
    if (purpose === "patrol") return this.#pace.around(PATROL_PAUSE_MS);
    return this.#pace.pauseAfterMs(tookMs, SHORTEST_PAUSE_MS[purpose]);
  }
}

/** Whether something is wanted sooner than the scan that runs would give it. */
function isPast(running: Scan, purpose: Purpose, stretch: object, push: object | undefined, now: Instant): boolean {
  if (running.stretch !== stretch) return true;
  if (running.purpose === "patrol") return purpose !== "patrol";
  // At the start the push comes a moment after the feed: one scan will do for both. A push that comes and goes must not
  // begin it anew for ever.
  return running.push === undefined && push !== undefined && ageMs(running.dueAt, now) < AGAIN_AFTER_MS;
}
