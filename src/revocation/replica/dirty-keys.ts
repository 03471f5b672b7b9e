// The keys that changed and are still to be read, in the order in which they were told. It tells when all that was added
// before has been read. What the feed tells of as well need not be read at once, only before the next proof: a write of
// our own is then read with others, not alone by every sidecar in the moment it is made.

import { KEYS_PER_READING } from "./walk.ts";

export interface DirtyKeysOptions {
  /** Whether they were read. */
  readonly read: (keys: readonly string[]) => Promise<boolean>;
  /** Before a failed reading is tried again. */
  readonly pause: () => Promise<void>;
  /** For so long keys gather before they are read, and the feed may tell of them meanwhile. */
  readonly gather: () => Promise<void>;
}

export class DirtyKeys {
  readonly #options: DirtyKeysOptions;
  /** Keys, and who waits for all before it to be read. */
  #queue: (readonly string[] | (() => void))[] = [];
  /** Where in the first of the queue. */
  #at = 0;
  /** Of those who wait in the queue: no key before one of them is put off. */
  #waitingCount = 0;
  /** Told of by the feed as well: to be read before the next proof. */
  #later: string[] = [];
  /** What the feed told of since the last proof, and before. One word of the push is spared each. */
  #told = new Set<string>();
  #toldBefore = new Set<string>();
  #isReading = false;
  #isStopped = false;

  constructor(options: DirtyKeysOptions) {
    this.#options = options;
  }

  add(keys: readonly string[]): void {
    this.#queue.push(keys);
    void this.#readAll();
  }

  /** The feed told of `key`, and it is known. The push will tell of that, too, or has. */
  toldByFeed(key: string): void {
    this.#told.add(key);
  }

  /** Calls `done` once all keys added so far have been read: soon where none is to be. */
  onceRead(done: () => void): void {
    this.#queue.push(this.#later, done);
    this.#waitingCount += 1;
    this.#later = [];
    this.#toldBefore = this.#told;
    this.#told = new Set();
    void this.#readAll();
  }

  /** Nobody need read them any more, and nobody is told. */
  clear(): void {
    this.#queue = [];
    this.#at = 0;
    this.#waitingCount = 0;
    this.#later = [];
  }

  stop(): void {
    this.#isStopped = true;
    this.clear();
  }

  async #readAll(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    await this.#options.gather();
    while (!this.#isStopped && this.#queue.length > 0) {
      const first = this.#queue[0];
      if (typeof first === "function") {
        this.#queue.shift();
        this.#waitingCount -= 1;
        first();
      } else {
        await this.#readUntilDone(this.#take());
      }
    }
    this.#isReading = false;
  }

  async #readUntilDone(keys: readonly string[]): Promise<void> {
    const queue = this.#queue;
    if (keys.length === 0) return;
    while (!(await this.#options.read(keys))) {
      await this.#options.pause();
      if (this.#isStopped || queue !== this.#queue) return; // cleared
    }
  }

  /** The next keys, each once, none from behind one who waits. */
  #take(): readonly string[] {
    const taken = new Set<string>();
    while (taken.size < KEYS_PER_READING) {
      const first = this.#queue[0];
      if (first === undefined || typeof first === "function") break;
      const key = first[this.#at];
      if (key === undefined) {
        this.#queue.shift();
        this.#at = 0;
        continue;
      }
      this.#at += 1;
      if (this.#waitingCount === 0 && this.#isTold(key)) this.#later.push(key);
      else taken.add(key);
    }
    return [...taken];
  }

  #isTold(key: string): boolean {
    return this.#told.delete(key) || this.#toldBefore.delete(key);
  }
}
