// Where an issuer's keys come from: read once at start, refreshed ahead in the background, kept through errors. A
// caller never waits for a refresh; only an unknown `kid` may cause a fetch, and it waits no longer than its deadline.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Algorithm } from "../core/algorithm.ts";
import { backOffMs } from "../core/back-off.ts";
import type { Clock, Instant } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { ReadFault } from "./http-exchange.ts";
import { readDocument, type DocumentReading, type JwksLocation } from "./jwks-document.ts";
import type { KeySource, TakenReading } from "./key-source.ts";
import { KeptKeys } from "./kept-keys.ts";

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

/** One whole reading, both requests of a discovery included. */
const READ_TIMEOUT_MS = 5_000;
/** Refreshes are spread over the last fifth of their time, so that a fleet does not come all at once. */
const REFRESH_SPREAD_RATIO = 0.2;
const FIRST_RETRY_MS = 500;
/** Without keys every call is refused, and a file costs nothing: try soon. With keys there is a day to spare. */
const LONGEST_RETRY_MS = { soon: 5_000, kept: 60_000 } as const;

/** A source that has read nothing yet: start() it. */
export function createKeySource(options: KeySourceOptions): KeySource {
  return new PolledKeySource(options);
}

class PolledKeySource extends KeptKeys implements KeySource {
  readonly #options: KeySourceOptions;
  readonly #stopping = new AbortController();
  #failureCount = 0;
  #reading: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: KeySourceOptions) {
    super(options);
    this.#options = options;
  }

  start(): Promise<void> {
    return this.#read();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#reading;
    this.giveUp();
  }

  protected isRefetching(): boolean {
    return this.#reading !== undefined;
  }

  protected refetch(): void {
    void this.#read();
  }

  /** Single flight: whoever needs a reading while one is under way gets that one. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce();
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    clearTimeout(this.#timer);
    const { clock, location } = this.#options;
    await nextTurn(); // all who come in this one have come before the reading
    const beganAt = clock.now();
    const document = await readWithin(location, READ_TIMEOUT_MS, this.#stopping.signal);
    // Over before anybody is answered: who asks on being answered must not wait for what has already been.
    this.#reading = undefined;
    if (this.#stopping.signal.aborted) return;
    const taken = document.ok ? this.#takeOverIfJudged(document.value, beganAt) : document;
    if (taken.ok && document.ok) this.#options.onTaken?.({ text: document.value.text, readAt: beganAt });
    if (taken.ok) {
      this.#succeed(taken.value, beganAt);
      this.answer(({ sinceMs }) => sinceMs <= beganAt.monotonicMs);
    } else {
      this.#fail(taken.error);
      this.giveUp();
    }
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
    const { issuerId, observer, log } = this.#options;
    const onDropped = (why: string): void => {
      observer.jwksKeyDropped(issuerId, why);
      log.warn("jwks_key_dropped", { issuer: issuerId, why });
    };
    const isNew = this.take({ text: document.text, readAt }, onDropped);
    if (!isNew.ok) return err({ result: "refused", detail: isNew.error });
    if (isNew.value) log.info("jwks_read", { issuer: issuerId, kids: [...this.current(readAt).byKid.keys()] });
    return ok(document.freshForMs);
  }

  #succeed(freshForMs: number, readAt: Instant): void {
    const { issuerId, observer, log } = this.#options;
    if (this.lastError !== undefined) log.info("jwks_readable_again", { issuer: issuerId });
    this.lastError = undefined;
    this.#failureCount = 0;
    observer.jwksFetched(issuerId, "ok");
    observer.jwksReadAt(issuerId, readAt.wallMs);
    this.#readAgainIn(freshForMs * (1 - REFRESH_SPREAD_RATIO * Math.random()));
  }

  #fail({ result, detail }: ReadFault): void {
    const { issuerId, location, observer, log } = this.#options;
    if (this.lastError !== detail) log.warn("jwks_not_read", { issuer: issuerId, result, why: detail });
    this.lastError = detail;
    observer.jwksFetched(issuerId, result);
    const longestMs = LONGEST_RETRY_MS[location.kind === "file" || !this.hasRead ? "soon" : "kept"];
    this.#failureCount += 1;
    this.#readAgainIn(backOffMs(this.#failureCount, FIRST_RETRY_MS, longestMs));
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
