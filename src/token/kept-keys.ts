// The key set that was read last, for how long it is trusted, and who waits for a newer one. It reads nothing: where a
// newer one comes from is its source's.

import type { Algorithm } from "../core/algorithm.ts";
import { ageMs, type Clock, type Instant } from "../core/clock.ts";
import { ok, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import { NO_KEYS, readKeySet, type KeySet } from "./key-set.ts";
import type { KeySource, KeySourceStatus, TakenReading } from "./key-source.ts";
import { createKeyWaiters, type KeyWaiters, type WaitedFor } from "./key-waiters.ts";
import { RefetchLimit } from "./refetch-limit.ts";

/** Contract §4: how long keys are trusted that can no longer be read. */
const KEEP_THROUGH_ERRORS_MS = 24 * 3_600_000;

interface GoodReading extends TakenReading {
  readonly keys: KeySet;
}

export interface KeptKeysOptions {
  /** The issuer's list in its order: a key without `alg` is bound to the first one that fits it. */
  readonly algorithms: readonly Algorithm[];
  readonly clock: Clock;
}

/** What sources of keys have in common. */
export abstract class KeptKeys implements Omit<KeySource, "start" | "stop"> {
  readonly #kept: KeptKeysOptions;
  readonly #limit = new RefetchLimit();
  readonly #waiters: KeyWaiters;
  #good: GoodReading | undefined;
  /** Why there was no newer one; undefined: there was, or none was looked for. */
  protected lastError: string | undefined;
  /** From then on nobody waits. */
  protected isStopped = false;

  constructor(options: KeptKeysOptions) {
    this.#kept = options;
    this.#waiters = createKeyWaiters(options.clock);
  }

  /** Whether one is under way already that all who come may wait for. */
  protected abstract isRefetching(): boolean;
  /** Begins one, because of `kid`, or joins that which is under way; answer() or giveUp() is its end. */
  protected abstract refetch(kid: string): void;

  protected get hasRead(): boolean {
    return this.#good !== undefined;
  }

  /** A refused document leaves everything as it was; the error says why. True: it was not the one that is kept. */
  protected take({ text, readAt }: TakenReading, onDropped: (why: string) => void): Result<boolean, string> {
    if (text === this.#good?.text) {
      this.#good = { ...this.#good, readAt };
      return ok(false);
    }
    const keys = readKeySet(text, this.#kept.algorithms, this.#good?.keys ?? NO_KEYS, onDropped);
    if (!keys.ok) return keys;
    this.#good = { text, readAt, keys: keys.value };
    return ok(true);
  }

  /**
   * After a good reading: whoever waits for a kid that is known now, or absent, as `isConclusive` says. A reading that was
   * under way already when a kid came may be older than its key: for those there is another, if the rate allows it.
   */
  protected answer(isConclusive: (waitedFor: WaitedFor) => boolean): void {
    const now = this.#kept.clock.now();
    const keys = this.current(now);
    const isKnown = ({ kid }: WaitedFor): boolean => keys.byKid.has(kid);
    for (const one of this.#waiters.all()) {
      if (!isKnown(one) && isConclusive(one)) this.#limit.rememberAbsent(one.kid, now.monotonicMs);
    }
    this.#waiters.answer(keys, (one) => isKnown(one) || isConclusive(one));
    const [next] = this.#waiters.all();
    if (next === undefined) return;
    if (this.isRefetching() || this.#limit.takeFetch(now.monotonicMs)) this.refetch(next.kid);
    else this.giveUp();
  }

  /** Everybody who waits is answered with what is known now, and no kid is absent for it. */
  protected giveUp(): void {
    this.#waiters.answer(this.#known(), () => true);
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
    if (!this.#mayRefetchFor(kid, now.monotonicMs)) {
      done(this.current(now));
      return;
    }
    const fetchSpan = span?.child("jwks fetch");
    const known = (): KeySet => this.#known();
    this.#waiters.add({ kid, sinceMs: now.monotonicMs }, deadlineAtMs, known, (keys) => {
      if (!keys.byKid.has(kid)) fetchSpan?.fail("unknown_key");
      fetchSpan?.end();
      done(keys);
    });
    this.refetch(kid);
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
      lastError: this.lastError,
    };
  }

  #known(): KeySet {
    return this.current(this.#kept.clock.now());
  }

  #mayRefetchFor(kid: string, nowMs: number): boolean {
    if (this.isStopped || this.#limit.isKnownAbsent(kid, nowMs) || !this.#waiters.hasRoom()) return false;
    return this.isRefetching() || this.#limit.takeFetch(nowMs);
  }
}
