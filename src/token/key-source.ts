// Where an issuer's keys come from: read once at start, refreshed ahead in the background, kept through errors. A
// caller never waits for a refresh; only an unknown `kid` may cause a fetch, and it waits no longer than its deadline.

import type { Algorithm } from "../core/algorithm.ts";
import { backOffMs } from "../core/back-off.ts";
import { ageMs, type Clock, type Instant } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import type { ReadFault } from "./http-exchange.ts";
import { readDocument, type DocumentReading, type JwksLocation } from "./jwks-document.ts";
import { NO_KEYS, readKeySet, type KeySet } from "./key-set.ts";
import { createKeyWaiters, type KeyWaiters } from "./key-waiters.ts";
import { RefetchLimit } from "./refetch-limit.ts";

export type { JwksLocation } from "./jwks-document.ts";

/** A source may serve a new verifier after a reload while `location` and `algorithms` are unchanged. */
export interface KeySourceOptions {
  readonly issuerId: string;
  readonly location: JwksLocation;
  /** The issuer's list in its order: a key without `alg` is bound to the first one that fits it. */
  readonly algorithms: readonly Algorithm[];
  readonly clock: Clock;
  readonly observer: Pick<Observer, "jwksFetched" | "jwksKeyDropped" | "jwksReadAt">;
  readonly log: Log;
  /** Told of each document that was taken over, before anybody who waited for it is answered. */
  readonly onTaken?: (reading: TakenReading) => void;
}

/** A document that was read whole and found good. It can be posted to another thread. */
export interface TakenReading {
  readonly text: string;
  /** Taken before the reading began. */
  readonly readAt: Instant;
}

export interface KeySourceStatus {
  readonly hasKeys: boolean;
  readonly keyCount: number;
  readonly kids: readonly string[];
  /** When the document was last read whole and taken over; undefined: never. */
  readonly lastReadWallMs: number | undefined;
  /** Why the last reading failed; undefined after a good one. Holds no credential of a URL. */
  readonly lastError: string | undefined;
}

export interface KeySource {
  /** Begins reading; resolves when the first attempt is over, whether it brought keys or not. Never rejects. */
  start(): Promise<void>;
  /** Ends every timer and connection; those who wait are answered with what is known. */
  stop(): Promise<void>;
  /** The keys to trust at `now`: empty before the first good reading and 24 h after the last one. */
  current(now: Instant): KeySet;
  /**
   * For a `kid` that current() lacks: joins or starts the one shared refetch, if the rate and the memory of absent
   * kids allow it. Calls `done` exactly once with the keys then known: before returning where no fetch is allowed,
   * otherwise at the latest about `deadlineAtMs` (monotonic clock).
   */
  refetchFor(
    kid: string,
    now: Instant,
    deadlineAtMs: number,
    span: Span | undefined,
    done: (keys: KeySet) => void,
  ): void;
  /** Whether a good reading of the last half minute lacked `kid`; false where it could not be looked for. */
  isKnownAbsent(kid: string, now: Instant): boolean;
  status(): KeySourceStatus;
}

/** Contract §4: how long keys are trusted that can no longer be read. */
export const KEEP_THROUGH_ERRORS_MS: number = 24 * 3_600_000;
/** One whole reading, both requests of a discovery included. */
const READ_TIMEOUT_MS = 5_000;
/** Refreshes are spread over the last fifth of their time, so that a fleet does not come all at once. */
const REFRESH_SPREAD_RATIO = 0.2;
const FIRST_RETRY_MS = 500;
/** Without keys every call is refused, and a file costs nothing: try soon. With keys there is a day to spare. */
const LONGEST_RETRY_MS = { soon: 5_000, kept: 60_000 } as const;

interface GoodReading extends TakenReading {
  readonly keys: KeySet;
}

/** A source that has read nothing yet: start() it. */
export function createKeySource(options: KeySourceOptions): KeySource {
  return new PolledKeySource(options);
}

class PolledKeySource implements KeySource {
  readonly #options: KeySourceOptions;
  readonly #limit = new RefetchLimit();
  readonly #waiters: KeyWaiters;
  readonly #stopping = new AbortController();
  #good: GoodReading | undefined;
  #lastError: string | undefined;
  #failureCount = 0;
  #reading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeySourceOptions) {
    this.#options = options;
    this.#waiters = createKeyWaiters(options.clock);
  }

  start(): Promise<void> {
    return this.#read();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#reading;
    this.#waiters.answerAll(this.#known(), () => undefined);
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
    if (!this.#mayFetchFor(kid, now.monotonicMs)) {
      done(this.current(now));
      return;
    }
    const fetchSpan = span?.child("jwks fetch");
    const known = (): KeySet => this.#known();
    this.#waiters.add(kid, deadlineAtMs, known, (keys) => {
      if (!keys.byKid.has(kid)) fetchSpan?.fail("unknown_key");
      fetchSpan?.end();
      done(keys);
    });
    void this.#read();
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
      lastError: this.#lastError,
    };
  }

  #known(): KeySet {
    return this.current(this.#options.clock.now());
  }

  #mayFetchFor(kid: string, nowMs: number): boolean {
    if (this.#stopping.signal.aborted || this.#limit.isKnownAbsent(kid, nowMs) || !this.#waiters.hasRoom())
      return false;
    return this.#reading !== undefined || this.#limit.takeFetch(nowMs);
  }

  /** Single flight: whoever needs a reading while one is under way gets that one. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce();
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    clearTimeout(this.#timer);
    const { clock, location } = this.#options;
    const beganAt = clock.now();
    const document = await readWithin(location, READ_TIMEOUT_MS, this.#stopping.signal);
    // Over before anybody is answered: who asks on being answered must not wait for what has already been.
    this.#reading = undefined;
    if (this.#stopping.signal.aborted) return;
    const taken = document.ok ? this.#takeOverIfJudged(document.value, beganAt) : document;
    if (taken.ok && document.ok) this.#options.onTaken?.({ text: document.value.text, readAt: beganAt });
    if (taken.ok) this.#succeed(taken.value, beganAt);
    else this.#fail(taken.error);
    this.#answerWaiters(taken.ok);
  }

  /** A reading is nobody's to await: a bug that a document brings out must refuse the document, not end the process. */
  #takeOverIfJudged(document: DocumentReading, readAt: Instant): Result<number, ReadFault> {
    try {
      return this.#takeOver(document, readAt);
    } catch {
      return err({ result: "refused", detail: "the document brought out a bug" });
    }
  }

  /** Takes the document over and says for how long it is fresh; a refused one leaves everything as it was. */
  #takeOver(document: DocumentReading, readAt: Instant): Result<number, ReadFault> {
    const { issuerId, algorithms, observer, log } = this.#options;
    if (document.text === this.#good?.text) {
      this.#good = { ...this.#good, readAt };
      return ok(document.freshForMs);
    }
    const onDropped = (why: string): void => {
      observer.jwksKeyDropped(issuerId, why);
      log.warn("jwks_key_dropped", { issuer: issuerId, why });
    };
    const keys = readKeySet(document.text, algorithms, this.#good?.keys ?? NO_KEYS, onDropped);
    if (!keys.ok) return err({ result: "refused", detail: keys.error });
    this.#good = { text: document.text, keys: keys.value, readAt };
    log.info("jwks_read", { issuer: issuerId, kids: [...keys.value.byKid.keys()] });
    return ok(document.freshForMs);
  }

  #succeed(freshForMs: number, readAt: Instant): void {
    const { issuerId, observer, log } = this.#options;
    if (this.#lastError !== undefined) log.info("jwks_readable_again", { issuer: issuerId });
    this.#lastError = undefined;
    this.#failureCount = 0;
    observer.jwksFetched(issuerId, "ok");
    observer.jwksReadAt(issuerId, readAt.wallMs);
    this.#readAgainIn(freshForMs * (1 - REFRESH_SPREAD_RATIO * Math.random()));
  }

  #fail({ result, detail }: ReadFault): void {
    const { issuerId, location, observer, log } = this.#options;
    if (this.#lastError !== detail) log.warn("jwks_not_read", { issuer: issuerId, result, why: detail });
    this.#lastError = detail;
    observer.jwksFetched(issuerId, result);
    const longestMs = LONGEST_RETRY_MS[location.kind === "file" || this.#good === undefined ? "soon" : "kept"];
    this.#failureCount += 1;
    this.#readAgainIn(backOffMs(this.#failureCount, FIRST_RETRY_MS, longestMs));
  }

  #answerWaiters(wasRead: boolean): void {
    const now = this.#options.clock.now();
    const keys = this.current(now);
    this.#waiters.answerAll(keys, (kid) => {
      if (wasRead && !keys.byKid.has(kid)) this.#limit.rememberAbsent(kid, now.monotonicMs);
    });
  }

  #readAgainIn(delayMs: number): void {
    this.#timer = setTimeout(() => void this.#read(), delayMs);
  }
}

async function readWithin(
  location: JwksLocation,
  timeoutMs: number,
  stopping: AbortSignal,
): Promise<Result<DocumentReading, ReadFault>> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), timeoutMs);
  const result = await readDocument(location, AbortSignal.any([stopping, ending.signal]));
  clearTimeout(timer);
  return result;
}
