// An issuer's keys as another thread reads them, where all fetches are made: told here document by document, and trusted
// as long as there. It fetches nothing; for a `kid` it lacks it asks that thread, whose limits hold for all that ask.

import { ageMs, type Instant } from "../core/clock.ts";
import type { Span } from "../core/tracing.ts";
import {
  KEEP_THROUGH_ERRORS_MS,
  type KeySource,
  type KeySourceOptions,
  type KeySourceStatus,
  type TakenReading,
} from "./key-source.ts";
import { NO_KEYS, readKeySet, type KeySet } from "./key-set.ts";
import { createKeyWaiters, type KeyWaiters } from "./key-waiters.ts";
import { RefetchLimit } from "./refetch-limit.ts";

export interface ToldKeysOptions extends Pick<KeySourceOptions, "algorithms" | "clock"> {
  /** Asks for a refetch because of `kid`; one call of refetched() is the answer. */
  readonly ask: (kid: string) => void;
}

export interface ToldKeys extends KeySource {
  told(reading: TakenReading): void;
  /** What came of the refetch is told. `wasRead`: by a good reading, so that a kid it lacks is absent. */
  refetched(wasRead: boolean): void;
}

/** It knows nothing until it is told. */
export function createToldKeys(options: ToldKeysOptions): ToldKeys {
  return new ToldKeySource(options);
}

class ToldKeySource implements ToldKeys {
  readonly #options: ToldKeysOptions;
  /** Besides the one of who fetches: a flood of made-up kids must not become one of messages. */
  readonly #limit = new RefetchLimit();
  readonly #waiters: KeyWaiters;
  #good: (TakenReading & { readonly keys: KeySet }) | undefined;
  #isAsking = false;

  constructor(options: ToldKeysOptions) {
    this.#options = options;
    this.#waiters = createKeyWaiters(options.clock);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.#waiters.answerAll(this.#known(), () => undefined);
  }

  told({ text, readAt }: TakenReading): void {
    if (text === this.#good?.text) {
      this.#good = { ...this.#good, readAt };
      return;
    }
    // What was dropped of it was reported where it was read.
    const keys = readKeySet(text, this.#options.algorithms, this.#good?.keys ?? NO_KEYS, () => undefined);
    if (keys.ok) this.#good = { text, readAt, keys: keys.value };
  }

  refetched(wasRead: boolean): void {
    this.#isAsking = false;
    const now = this.#options.clock.now();
    const keys = this.current(now);
    this.#waiters.answerAll(keys, (kid) => {
      if (wasRead && !keys.byKid.has(kid)) this.#limit.rememberAbsent(kid, now.monotonicMs);
    });
  }

  current(now: Instant): KeySet {
    const good = this.#good;
    return good !== undefined && ageMs(good.readAt, now) < KEEP_THROUGH_ERRORS_MS ? good.keys : NO_KEYS;
  }

  refetchFor(
    kid: string,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (keys: KeySet) => void,
  ): void {
    if (!this.#mayAskFor(kid, now.monotonicMs)) {
      done(this.current(now));
      return;
    }
    const askSpan = span?.child("jwks fetch");
    this.#waiters.add(
      kid,
      deadlineAtMs,
      () => this.#known(),
      (keys) => {
        if (!keys.byKid.has(kid)) askSpan?.fail("unknown_key");
        askSpan?.end();
        done(keys);
      },
    );
    if (this.#isAsking) return;
    this.#isAsking = true;
    this.#options.ask(kid);
  }

  isKnownAbsent(kid: string, now: Instant): boolean {
    return this.#limit.isKnownAbsent(kid, now.monotonicMs);
  }

  status(): KeySourceStatus {
    const { keys, byKid } = this.#known();
    return {
      hasKeys: keys.size > 0,
      keyCount: keys.size,
      kids: [...byKid.keys()],
      lastReadWallMs: this.#good?.readAt.wallMs,
      lastError: undefined,
    };
  }

  #known(): KeySet {
    return this.current(this.#options.clock.now());
  }

  #mayAskFor(kid: string, nowMs: number): boolean {
    if (this.#limit.isKnownAbsent(kid, nowMs) || !this.#waiters.hasRoom()) return false;
    return this.#isAsking || this.#limit.takeFetch(nowMs);
  }
}
