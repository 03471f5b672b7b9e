// Publishes the log of revocations to Kafka, from where it was left off, by whichever control plane has the turn. Nobody
// who revokes waits for it or hears of its failures; what is missed is said in the topic itself, in the log and in a
// metric.

import { setTimeout as delay } from "node:timers/promises";
import { backOffMs } from "../../core/back-off.ts";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { KafkaObserver } from "../../core/observer.ts";
import type { Result } from "../../core/result.ts";
import type { EventLog, LoggedEvent, LogPage } from "../../revocation/event-log.ts";
import type { PublicationStore } from "../../revocation/publication-store.ts";
import type { FeedHead } from "../../revocation/replica/source.ts";
import { goesOnFrom, isNext } from "../../revocation/replica/stretch.ts";
import type { StoreFault } from "../../revocation/store.ts";
import type { ResetCause } from "../events/encoded-event.ts";
import { isPublished, recordOf, resetOf, type Publication, type PublishedRecord } from "./published-event.ts";

export interface PublisherOptions {
  readonly store: EventLog & PublicationStore;
  readonly publication: Publication;
  /** Tries once, for less than a turn lasts; the error is for people. */
  readonly send: (records: readonly PublishedRecord[]) => Promise<Result<void, string>>;
  /** Unique to this process. */
  readonly holder: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer: KafkaObserver;
}

export interface Publisher {
  /** Why it does not get on; undefined: it does, or another control plane has the turn. */
  trouble(): string | undefined;
  start(): void;
  /** Gives the turn up, so that another need not wait for its end. */
  stop(): Promise<void>;
}

/** Longer than a send may take, so that none of ours is under way once another begins. */
const TURN_MS = 15_000;
/** Between two looks at a log that has nothing new: a subscriber hears within it. */
const LOOK_EVERY_MS = 100;
/** Between two looks whether the turn is free. */
const STANDBY_MS = 1_000;
const RETRY_FROM_MS = 250;
const RETRY_UP_TO_MS = 5_000;
/** Of the values of one send: brokers take 1 MB at once unless told otherwise. */
const MAX_SEND_BYTES = 256 * 1024;

type Step = "more" | "nothing new" | "standby" | "failed";

export function createPublisher(options: PublisherOptions): Publisher {
  return new LogPublisher(options);
}

class LogPublisher implements Publisher {
  readonly #options: PublisherOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #trouble: string | undefined;
  #failures = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  trouble(): string | undefined {
    return this.#trouble;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#options.store.endTurn(this.#options.holder);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const step = await this.#step();
      this.#failures = step === "failed" ? this.#failures + 1 : 0;
      const pauseMs = this.#pauseMs(step);
      if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  #pauseMs(step: Step): number {
    switch (step) {
      case "more":
        return 0;
      case "nothing new":
        return LOOK_EVERY_MS;
      case "standby":
        return STANDBY_MS;
      case "failed":
        return backOffMs(this.#failures, RETRY_FROM_MS, RETRY_UP_TO_MS);
    }
  }

  async #step(): Promise<Step> {
    const { store, holder, observer } = this.#options;
    const turn = await store.takeTurn(holder, TURN_MS);
    if (!turn.ok) return this.#storeFailed(turn.error);
    if (turn.value === undefined) {
      this.#isWell();
      observer.publicationLags(0); // whoever has the turn tells
      return "standby";
    }
    const from = turn.value.publishedTo;
    // Where the log was empty, or is not known, all that it holds is new.
    return from === undefined || from.epoch === "" ? this.#begin() : this.#goOn(from);
  }

  async #begin(): Promise<Step> {
    const page = await this.#options.store.eventsAfter(0, 0);
    return page.ok ? this.#publish(stretchOf(page.value.entries)) : this.#storeFailed(page.error);
  }

  async #goOn(from: FeedHead): Promise<Step> {
    const page = await this.#options.store.eventsAfter(from.seq, 0);
    if (!page.ok) return this.#storeFailed(page.error);
    const first = page.value.entries[0];
    if (first === undefined) return this.#nothingAfter(from, page.value);
    if (isNext(first, from)) return this.#publish(stretchOf(page.value.entries));
    const isForgotten = first.epoch === from.epoch && first.seq > from.seq + 1;
    return this.#missed(from, isForgotten ? before(first) : BEGINNING, isForgotten ? "forgotten" : "replaced");
  }

  /** Entries that came between the two questions are there by the next one; else the log lacks them. */
  async #nothingAfter(from: FeedHead, { reached }: LogPage): Promise<Step> {
    const { store } = this.#options;
    if (!goesOnFrom(reached, from)) return this.#missed(from, BEGINNING, "replaced");
    if (reached.seq > from.seq) {
      const again = await store.eventsAfter(from.seq, 0);
      if (!again.ok) return this.#storeFailed(again.error);
      if (again.value.entries.length > 0) return "more";
      return this.#missed(from, reached, "forgotten");
    }
    this.#isWell();
    this.#options.observer.publicationLags(0);
    return "nothing new";
  }

  async #publish(entries: readonly LoggedEvent[]): Promise<Step> {
    const { clock, observer, publication } = this.#options;
    const { last, records } = pieceOf(entries, publication);
    if (last === undefined) {
      this.#isWell();
      return "nothing new";
    }
    if (records.length > 0 && !(await this.#send(records))) {
      observer.publicationLags(Math.max(0, clock.now().wallMs - last.event.atMs));
      return "failed";
    }
    return this.#remember(last);
  }

  async #missed(from: FeedHead, to: FeedHead, why: ResetCause): Promise<Step> {
    const { clock, log, observer, publication } = this.#options;
    const record = resetOf(from, to, why, clock.now().wallMs, publication);
    if (!(await this.#send([record]))) return "failed";
    const lostCount = why === "forgotten" ? to.seq - from.seq : undefined;
    log.error("kafka_events_missed", { why, after: from.seq, lostCount });
    observer.publicationMissed(why);
    return this.#remember(to);
  }

  async #send(records: readonly PublishedRecord[]): Promise<boolean> {
    const { observer, send } = this.#options;
    const sent = await send(records);
    observer.published(sent.ok ? "ok" : "error", records.length);
    if (sent.ok) this.#isWell();
    else this.#isIll("kafka_not_published", sent.error);
    return sent.ok;
  }

  async #remember({ epoch, seq, link }: FeedHead): Promise<Step> {
    const { holder, store } = this.#options;
    const done = await store.published(holder, { epoch, seq, link });
    if (!done.ok) return this.#storeFailed(done.error);
    return done.value ? "more" : "standby";
  }

  #storeFailed({ cause }: StoreFault): Step {
    this.#isIll("kafka_log_not_read", `the store does not answer: ${cause}`);
    return "failed";
  }

  #isIll(event: string, why: string): void {
    if (this.#trouble === undefined) this.#options.log.warn(event, { why });
    this.#trouble = why;
    this.#options.observer.kafkaUp("publish", false);
  }

  #isWell(): void {
    if (this.#trouble !== undefined) this.#options.log.info("kafka_publishes_again");
    this.#trouble = undefined;
    this.#options.observer.kafkaUp("publish", true);
  }
}

/** Of a log nothing of which is published. */
const BEGINNING: FeedHead = { epoch: "", seq: 0, link: "" };

function before({ epoch, seq, previousLink }: LoggedEvent): FeedHead {
  return { epoch, seq: seq - 1, link: previousLink };
}

/** The entries up to the first that does not follow on the one before it. */
function stretchOf(entries: readonly LoggedEvent[]): readonly LoggedEvent[] {
  const end = entries.findIndex((entry, i) => {
    const last = entries[i - 1];
    return last !== undefined && !isNext(entry, last);
  });
  return end === -1 ? entries : entries.slice(0, end);
}

/**
 * The records of the first entries, as many as one send takes, and the last of these entries: a turn lasts longer than
 * one send, not than several.
 */
function pieceOf(
  entries: readonly LoggedEvent[],
  publication: Publication,
): { readonly last: LoggedEvent | undefined; readonly records: readonly PublishedRecord[] } {
  const records: PublishedRecord[] = [];
  let last: LoggedEvent | undefined;
  let bytes = 0;
  for (const entry of entries) {
    if (isPublished(entry)) {
      const record = recordOf(entry, publication);
      bytes += record.value.length;
      if (records.length > 0 && bytes > MAX_SEND_BYTES) break;
      records.push(record);
    }
    last = entry;
  }
  return { last, records };
}
