// Which markers' keys are no strings: a look-up takes them for absent, so somebody must say so. It refuses nobody.

import { ageMs, type Instant } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Moment } from "./source.ts";

/** More are not remembered; the count then says at least. */
const MAX_KEYS = 10_000;

const LOG_EVERY_MS = 10_000;

export class WrongTypes {
  readonly #log: Log;
  /** Of each key the round in which it was last seen. */
  readonly #keys = new Map<string, number>();
  #round = 0;
  #loggedCount = 0;
  #loggedAt: Instant | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  get count(): number {
    return this.#keys.size;
  }

  note(keys: readonly string[], { markers }: Moment): void {
    for (let i = 0; i < keys.length; i += 1) {
      const key = keys[i] as string;
      if (markers[i] !== "of another type") this.#keys.delete(key);
      else if (this.#keys.size < MAX_KEYS || this.#keys.has(key)) this.#keys.set(key, this.#round);
    }
  }

  /** All keys were read since the last call but one. */
  endRound(): void {
    for (const [key, round] of this.#keys) if (round < this.#round) this.#keys.delete(key);
    this.#round += 1;
  }

  /** Says it in the log when there are more of them. */
  report(now: Instant): void {
    if (this.count < this.#loggedCount) this.#loggedCount = this.count;
    if (this.count === this.#loggedCount) return;
    if (this.#loggedAt !== undefined && ageMs(this.#loggedAt, now) < LOG_EVERY_MS) return;
    this.#loggedCount = this.count;
    this.#loggedAt = now;
    this.#log.warn("store_markers_of_wrong_type", { count: this.count });
  }
}
