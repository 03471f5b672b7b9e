// When all markers are read anew, and what that proves: a scan counts for what had begun before it, and only when it is
// through. It decides no position.

import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Knowledge } from "./knowledge.ts";
import type { Pauses } from "./pauses.ts";
import type { Moment, ReplicaSource } from "./source.ts";
import { walkMarkers } from "./walk.ts";

export interface ScansOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly log: Log;
  readonly known: Knowledge;
  readonly pauses: Pauses;
  /** From the start of one to that of the next, unless it takes longer; Infinity: only when something has begun. */
  readonly everyMs: number;
  /** undefined: it failed, or the stretch is over. */
  readonly read: (stretch: object, keys: readonly string[]) => Promise<Moment | undefined>;
  readonly isCurrent: (stretch: object) => boolean;
  /** All that stood at `beganAt` and still stands is known. */
  readonly onDone: (beganAt: Instant) => void;
}

/** After one that failed, or for a push that comes and goes. */
const AGAIN_AFTER_MS = 1_000;

/** Between two steps of 1,000 keys where nothing is urgent: 20,000 keys a second. */
const PAUSE_MS = 50;

export class Scans {
  readonly #options: ScansOptions;
  #last: { readonly stretch: object; readonly beganAt: Instant; isOver: boolean } | undefined;
  #coveredStretch: object | undefined;
  #coveredPush: object | undefined;
  #wrongTypeCount = 0;

  constructor(options: ScansOptions) {
    this.#options = options;
  }

  /** Markers' keys that are no strings, found by the last whole scan. */
  get wrongTypeCount(): number {
    return this.#wrongTypeCount;
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
    const last = this.#last;
    if (last?.isOver === false) return;
    const now = this.#options.clock.now();
    const isUrgent = this.#isUrgent(stretch, push);
    const sinceMs = last === undefined ? Infinity : ageMs(last.beganAt, now);
    const isNews = isUrgent && last?.stretch !== stretch;
    if (isNews || sinceMs >= (isUrgent ? AGAIN_AFTER_MS : this.#options.everyMs)) {
      void this.#scan(stretch, push, now, isUrgent ? 0 : PAUSE_MS);
    }
  }

  #isUrgent(stretch: object, push: object | undefined): boolean {
    return !this.coversStretch(stretch) || (push !== undefined && !this.coversPush(push));
  }

  async #scan(stretch: object, push: object | undefined, beganAt: Instant, pauseMs: number): Promise<void> {
    const { source, known, pauses, read, isCurrent } = this.#options;
    const scan = { stretch, beganAt, isOver: false };
    this.#last = scan;
    known.beginGeneration();
    const walked = await walkMarkers({
      source,
      read: (keys) => read(stretch, keys),
      pause: () => (pauseMs > 0 ? pauses.wait(pauseMs) : Promise.resolve()),
    });
    if (walked !== undefined && isCurrent(stretch)) {
      this.#noteWrongTypes(walked.wrongTypeCount);
      // Before it counts: what is gone from the store must not refuse anybody as if it were known to stand.
      for (let next = known.forgetOlder(0); next !== 0; next = known.forgetOlder(next)) await pauses.turn();
      if (isCurrent(stretch)) this.#end(stretch, push, beganAt);
    }
    scan.isOver = true;
  }

  #end(stretch: object, push: object | undefined, beganAt: Instant): void {
    this.#coveredStretch = stretch;
    this.#coveredPush = push;
    this.#options.onDone(beganAt);
  }

  #noteWrongTypes(count: number): void {
    if (count > this.#wrongTypeCount) this.#options.log.warn("store_markers_of_wrong_type", { count });
    this.#wrongTypeCount = count;
  }
}
