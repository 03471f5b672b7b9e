// The waits of a replica, all of which end with it.

import type { Schedule } from "../../resilience/schedule.ts";

export class Pauses {
  readonly #schedule: Schedule;
  readonly #waiting = new Set<() => void>();
  #isOver = false;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        end();
        this.#waiting.delete(wake);
        resolve();
      };
      const end = this.#schedule.every(ms, wake);
      this.#waiting.add(wake);
      if (this.#isOver) wake();
    });
  }

  /** Until the next turn of the event loop. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.#schedule.immediate(resolve));
  }

  /** Ends all that wait, and all that will. */
  end(): void {
    this.#isOver = true;
    for (const wake of this.#waiting) wake();
  }
}
