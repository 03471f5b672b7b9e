// What other programs write, as the store's push tells it: whether it is open, whether it is proved, and that what was
// heard has been read. It reads nothing by itself.

import type { Clock, Instant } from "../../core/clock.ts";
import { DirtyKeys } from "./dirty-keys.ts";
import type { Pauses } from "./pauses.ts";
import type { PushListener, ReplicaSource } from "./source.ts";

export interface HearingOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly pauses: Pauses;
  /** Whether they were read. */
  readonly read: (keys: readonly string[]) => Promise<boolean>;
  /** Whether all that was written before `push` was opened is known. */
  readonly isCovered: (push: object) => boolean;
  readonly onOpen: () => void;
  /** Anything may have changed. */
  readonly onEverything: () => void;
  readonly onFault: PushListener["failed"];
  /** All that was acknowledged before `askedAt`, by whomever, is known. */
  readonly onReached: (askedAt: Instant) => void;
}

const RETRY_AFTER_MS = 50;
const GATHER_MS = 5;

export class Hearing {
  readonly #options: HearingOptions;
  readonly #dirty: DirtyKeys;
  /** What is open now; each opening is another. */
  #push: object | undefined;
  #isProving = false;

  constructor(options: HearingOptions) {
    this.#options = options;
    const { pauses, read } = options;
    this.#dirty = new DirtyKeys({
      read,
      pause: () => pauses.wait(RETRY_AFTER_MS),
      gather: () => pauses.wait(GATHER_MS),
    });
  }

  /** undefined: none is open. */
  get push(): object | undefined {
    return this.#push;
  }

  get listener(): PushListener {
    const { onOpen, onEverything, onFault } = this.#options;
    return {
      opened: () => {
        this.#push = {};
        onOpen();
      },
      changed: (keys) => this.#dirty.add(keys),
      everythingChanged: onEverything,
      closed: () => {
        this.#push = undefined;
        this.#dirty.clear(); // the scan that the next one needs finds them
      },
      failed: onFault,
    };
  }

  toldByFeed(key: string): void {
    if (this.#push !== undefined) this.#dirty.toldByFeed(key);
  }

  async prove(): Promise<void> {
    const push = this.#push;
    if (this.#isProving || push === undefined) return;
    const { clock, source, isCovered, onReached } = this.#options;
    const askedAt = clock.now();
    this.#isProving = true;
    const isProved = await source.provePush();
    this.#isProving = false;
    if (!isProved || push !== this.#push) return;
    // What was heard by now is still to be read.
    this.#dirty.onceRead(() => {
      if (push === this.#push && isCovered(push)) onReached(askedAt);
    });
  }

  stop(): void {
    this.#dirty.stop();
  }
}
