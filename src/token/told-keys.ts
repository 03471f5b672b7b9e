// An issuer's keys as another thread reads them, where all fetches are made: told here document by document, and trusted
// as long as there. It fetches nothing; for a `kid` it lacks it asks that thread, whose limits hold for all that ask.

import type { KeySource, TakenReading } from "./key-source.ts";
import { KeptKeys, type KeptKeysOptions } from "./kept-keys.ts";

export interface ToldKeysOptions extends KeptKeysOptions {
  /** Asks for a refetch because of `kid`; one call of refetched() is the answer. */
  readonly ask: (kid: string) => void;
}

export interface ToldKeys extends KeySource {
  told(reading: TakenReading): void;
  /** What came of the refetch is told. `wasRead`: by a good reading, so that the kid that was asked for is there or absent. */
  refetched(wasRead: boolean): void;
}

/** It knows nothing until it is told. */
export function createToldKeys(options: ToldKeysOptions): ToldKeys {
  return new ToldKeySource(options);
}

/** Its limit holds besides the one of who fetches: a flood of made-up kids must not become one of messages. */
class ToldKeySource extends KeptKeys implements ToldKeys {
  readonly #ask: ToldKeysOptions["ask"];
  #askedFor: string | undefined;

  constructor(options: ToldKeysOptions) {
    super(options);
    this.#ask = options.ask;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.giveUp();
  }

  told(reading: TakenReading): void {
    // What was dropped or refused of it was reported where it was read.
    this.take(reading, () => undefined);
  }

  refetched(wasRead: boolean): void {
    const askedFor = this.#askedFor;
    this.#askedFor = undefined;
    if (wasRead) this.answer(({ kid }) => kid === askedFor);
    else this.giveUp();
  }

  protected isRefetching(): boolean {
    return this.#askedFor !== undefined;
  }

  protected refetch(kid: string): void {
    if (this.#askedFor !== undefined) return;
    this.#askedFor = kid;
    this.#ask(kid);
  }
}
