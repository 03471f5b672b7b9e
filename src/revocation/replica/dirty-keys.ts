// The keys that changed and are still to be read, each once. It tells when all that was added before has been read.

export interface DirtyKeysOptions {
  /** Whether they were read. */
  readonly read: (keys: readonly string[]) => Promise<boolean>;
  /** Before a failed reading is tried again. */
  readonly pause: () => Promise<void>;
}

const KEYS_PER_READING = 500;

export class DirtyKeys {
  readonly #options: DirtyKeysOptions;
  #keys = new Set<string>();
  #waiting: (() => void)[] = [];
  #isReading = false;
  #isStopped = false;

  constructor(options: DirtyKeysOptions) {
    this.#options = options;
  }

  add(keys: readonly string[]): void {
    for (const key of keys) this.#keys.add(key);
    void this.#readAll();
  }

  /** Calls `done` once all keys added so far have been read: at once where none is to be. */
  onceRead(done: () => void): void {
    this.#waiting.push(done);
    void this.#readAll();
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #readAll(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.#isStopped && (this.#keys.size > 0 || this.#waiting.length > 0)) {
      const keys = [...this.#keys];
      const waiting = this.#waiting;
      this.#keys = new Set();
      this.#waiting = [];
      const failedAt = await this.#read(keys);
      if (failedAt === undefined) {
        for (const done of waiting) done();
      } else {
        for (const key of keys.slice(failedAt)) this.#keys.add(key);
        this.#waiting.unshift(...waiting);
        await this.#options.pause();
      }
    }
    this.#isReading = false;
  }

  /** Where it failed; undefined: nowhere. */
  async #read(keys: readonly string[]): Promise<number | undefined> {
    for (let i = 0; i < keys.length; i += KEYS_PER_READING) {
      if (!(await this.#options.read(keys.slice(i, i + KEYS_PER_READING)))) return i;
    }
    return undefined;
  }
}
