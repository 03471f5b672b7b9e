// Decides how long one kind of work may hold the event loop in a turn: what is over its share waits, in order, for the
// turns to come, and whoever else waits for the loop is heard in between. It drops what is too late or too much.

import type { Clock } from "../core/clock.ts";
import type { TurnEnd } from "./schedule.ts";

export interface Work {
  /** Monotonic clock. Ends a wait, never work that has begun. */
  readonly deadlineAtMs: number;
  /** Called at most once, and then `drop` is not. Must not throw. */
  run(): void;
  /** Called instead of `run`: about when the deadline passes, or at once where as many wait as may. Must not throw. */
  drop(): void;
}

export interface LoopShare {
  /** Runs `work` before it returns while the turn's share lasts; otherwise later. */
  run(work: Work): void;
}

export interface LoopShareOptions {
  /** Of one turn, as things stand on the monotonic clock. The piece of work that crosses it is still ended. */
  maxMs(nowMs: number): number;
  /** How much may wait for turns to come. */
  readonly maxWaiting: number;
  readonly clock: Clock;
  readonly schedule: TurnEnd;
}

export function createLoopShare(options: LoopShareOptions): LoopShare {
  return new TurnShare(options);
}

class TurnShare implements LoopShare {
  readonly #options: LoopShareOptions;
  /** From `#next` on. */
  #waiting: Work[] = [];
  #next = 0;
  /** Of the share of this turn, which goes from the end of one `#turn` to that of the next: sockets are read in between. */
  #spentMs = 0;
  #turnIsScheduled = false;
  /** Bound once. */
  readonly #turn: () => void = () => this.#nextTurn();

  constructor(options: LoopShareOptions) {
    this.#options = options;
  }

  run(work: Work): void {
    const waitingCount = this.#waiting.length - this.#next;
    if (waitingCount === 0 && this.#hasShareLeft()) this.#work(work);
    else if (waitingCount < this.#options.maxWaiting) this.#waiting.push(work);
    else return work.drop();
    this.#scheduleTurn();
  }

  #hasShareLeft(): boolean {
    const { clock, maxMs } = this.#options;
    return this.#spentMs < maxMs(clock.now().monotonicMs);
  }

  #scheduleTurn(): void {
    if (this.#turnIsScheduled) return;
    this.#turnIsScheduled = true;
    this.#options.schedule.last(this.#turn);
  }

  #work(work: Work): void {
    const { clock } = this.#options;
    const beganMs = clock.now().monotonicMs;
    work.run();
    this.#spentMs += clock.now().monotonicMs - beganMs;
  }

  #nextTurn(): void {
    this.#turnIsScheduled = false;
    this.#endLate();
    while (this.#next < this.#waiting.length && this.#hasShareLeft()) this.#work(this.#waiting[this.#next++] as Work);
    this.#spentMs = 0;
    if (this.#next < this.#waiting.length) return this.#scheduleTurn();
    this.#waiting = []; // what was done is not held until somebody waits again
    this.#next = 0;
  }

  /** Whoever comes on being told stands behind all that still wait. */
  #endLate(): void {
    const nowMs = this.#options.clock.now().monotonicMs;
    const all = this.#waiting.slice(this.#next);
    this.#waiting = all.filter((work) => nowMs < work.deadlineAtMs);
    this.#next = 0;
    if (this.#waiting.length === all.length) return;
    for (const work of all) if (nowMs >= work.deadlineAtMs) work.drop();
  }
}
