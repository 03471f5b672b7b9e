// Tells what one push named, in order and in slices: one MSET of another program may name any number of keys.

import type { PushListener } from "../replica/source.ts";
import { targetOfKey } from "../marker-keys.ts";

/** In one turn of the event loop. */
const KEYS_PER_TURN = 500;

export class PushedKeys {
  readonly #keyPrefix: string;
  readonly #changed: PushListener["changed"];
  #isOver = false;
  #told: Promise<void> = Promise.resolve();

  constructor(keyPrefix: string, changed: PushListener["changed"]) {
    this.#keyPrefix = keyPrefix;
    this.#changed = changed;
  }

  /** Resolves when all that was added before has been told. */
  get told(): Promise<void> {
    return this.#told;
  }

  /** Names of keys as they came: Buffers. */
  add(names: readonly unknown[]): void {
    for (let from = 0; from < names.length; from += KEYS_PER_TURN) {
      this.#told = this.#tell(this.#told, names.slice(from, from + KEYS_PER_TURN));
    }
  }

  /** Nothing more is told. */
  end(): void {
    this.#isOver = true;
  }

  async #tell(before: Promise<void>, names: readonly unknown[]): Promise<void> {
    await before;
    const keys = names.map(String).filter((key) => targetOfKey(this.#keyPrefix, key) !== undefined);
    if (keys.length > 0 && !this.#isOver) this.#changed(keys);
    if (names.length === KEYS_PER_TURN) await new Promise((resolve) => setImmediate(resolve));
  }
}
