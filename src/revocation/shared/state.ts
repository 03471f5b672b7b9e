// How current a shared table is, in memory that other threads read: written by one thread, by the same rule as the
// table itself (shard.ts). Instants pass as they are: all threads of a process have one monotonic clock.

import type { Instant } from "../../core/clock.ts";
import type { Published } from "../replica/published.ts";

/** A version, whether there is a position, and five numbers of 64 bits. */
const STATE_WORDS = 12;
const NUMBERS = 5;
const HAS_POSITION_AT = 1;
const NUMBERS_AT = 2;

/** Atomics know no floating point: numbers go in halves. */
class Numbers {
  readonly values = new Float64Array(NUMBERS);
  readonly halves = new Int32Array(this.values.buffer);
}

export class SharedState {
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(STATE_WORDS * 4);
  readonly #words = new Int32Array(this.memory);
  readonly #numbers = new Numbers();

  write({ position, changedAt, storeNowS }: Published): void {
    const { values, halves } = this.#numbers;
    values.set([position?.monotonicMs ?? 0, position?.wallMs ?? 0, changedAt.monotonicMs, changedAt.wallMs, storeNowS]);
    Atomics.add(this.#words, 0, 1);
    Atomics.store(this.#words, HAS_POSITION_AT, position === undefined ? 0 : 1);
    for (let i = 0; i < halves.length; i += 1) Atomics.store(this.#words, NUMBERS_AT + i, halves[i] as number);
    Atomics.add(this.#words, 0, 1);
  }
}

export class StateSight {
  readonly #words: Int32Array;
  readonly #numbers = new Numbers();
  readonly #wait: (version: Int32Array, seen: number, tries: number) => void;
  /** Of what was read last. */
  #version: number | undefined;
  #state: Published = { position: undefined, changedAt: { monotonicMs: 0, wallMs: 0 }, storeNowS: 0 };

  /** `wait`: for the writer to go on. */
  constructor(memory: SharedArrayBuffer, wait: (version: Int32Array, seen: number, tries: number) => void) {
    this.#words = new Int32Array(memory);
    this.#wait = wait;
  }

  /** As it is now; the same object until it is another. */
  read(): Published {
    const words = this.#words;
    for (let tries = 0; ; tries += 1) {
      const version = Atomics.load(words, 0);
      if (version === this.#version) return this.#state;
      if ((version & 1) === 0) {
        const state = this.#copy();
        if (Atomics.load(words, 0) === version) {
          this.#version = version;
          this.#state = state;
          return state;
        }
      }
      this.#wait(words, version, tries);
    }
  }

  #copy(): Published {
    const { values, halves } = this.#numbers;
    const hasPosition = Atomics.load(this.#words, HAS_POSITION_AT) === 1;
    for (let i = 0; i < halves.length; i += 1) halves[i] = Atomics.load(this.#words, NUMBERS_AT + i);
    const instant = (at: number): Instant => ({
      monotonicMs: values[at] as number,
      wallMs: values[at + 1] as number,
    });
    return { position: hasPosition ? instant(0) : undefined, changedAt: instant(2), storeNowS: values[4] as number };
  }
}
