// Reads the store's log once for all who follow it, while anybody does. A follower is only a place in the log: what it
// has not been given yet is not kept for it, but found again in the window of the newest events, or in the log.

import type { Clock } from "../../core/clock.ts";
import type { EventLog, LoggedEvent } from "../../revocation/event-log.ts";
import type { FeedHead } from "../../revocation/replica/source.ts";
import { goesOnFrom, isNext } from "../../revocation/replica/stretch.ts";
import { encodedEvent, encodedReset, type EncodedEvent, type ResetCause } from "./encoded-event.ts";

export interface Follower {
  /** What comes next, at least one; waits for it. "ended" after `leave`, or once the hub has stopped. */
  next(): Promise<readonly EncodedEvent[] | "ended">;
  leave(): void;
}

export interface EventHub {
  /** From after `after`, or from now on; undefined: the store cannot tell where the log stands. */
  follow(after: number | undefined): Promise<Follower | undefined>;
  /** Ends all that follow. */
  stop(): void;
}

/** Some 1 MB; who is further behind reads the log itself. */
const MAX_WINDOW = 1_024;

/** Given at once: some 50 KB. */
const MAX_GIVEN = 100;

const WAIT_FOR_ENTRIES_MS = 400;
const RETRY_AFTER_MS = 250;

/** A store that is away for longer is told at once to who comes. */
const IN_STEP_WITHIN_MS = 2_000;

export function createEventHub(log: EventLog, clock: Clock): EventHub {
  return new LogHub(log, clock);
}

class LogHub implements EventHub {
  readonly log: EventLog;
  readonly #clock: Clock;
  /** Up to where the log was read; undefined: not in step with it. */
  reached: FeedHead | undefined;
  /** How often the log was another than before. */
  historyCount = 0;
  isStopped = false;
  #window: EncodedEvent[] = [];
  #followerCount = 0;
  #isReading = false;
  readonly #waiting = new Set<() => void>();

  constructor(log: EventLog, clock: Clock) {
    this.log = log;
    this.#clock = clock;
  }

  async follow(after: number | undefined): Promise<Follower | undefined> {
    this.#followerCount += 1;
    void this.#read();
    const untilMs = this.#clock.now().monotonicMs + IN_STEP_WITHIN_MS;
    while (this.reached === undefined && !this.isStopped && this.#clock.now().monotonicMs < untilMs) {
      await this.changed(RETRY_AFTER_MS);
    }
    if (this.reached !== undefined) return new LogFollower(this, after ?? this.reached.seq);
    this.leave();
    return undefined;
  }

  leave(): void {
    this.#followerCount -= 1;
    this.#wake();
  }

  stop(): void {
    this.isStopped = true;
    this.#wake();
  }

  /** The next time anything is known, or after `withinMs`. */
  changed(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#waiting.add(done);
    });
  }

  /** The events after `seq`, which was reached; undefined: the first of them is in the window no more. */
  recentAfter(seq: number): readonly EncodedEvent[] | undefined {
    const first = this.#window[0];
    if (first === undefined || seq + 1 < first.seq) return undefined;
    const from = seq + 1 - first.seq;
    return this.#window.slice(from, from + MAX_GIVEN);
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#followerCount > 0 && !this.isStopped) {
      const isAnswered = this.reached === undefined ? await this.#begin() : await this.#goOn(this.reached);
      if (!isAnswered) await this.changed(RETRY_AFTER_MS);
    }
    this.#forget();
    this.#isReading = false;
  }

  async #begin(): Promise<boolean> {
    const page = await this.log.eventsAfter("end", 0);
    if (!page.ok) return false;
    this.reached = page.value.reached;
    this.#wake();
    return true;
  }

  async #goOn(from: FeedHead): Promise<boolean> {
    const page = await this.log.eventsAfter(from.seq, WAIT_FOR_ENTRIES_MS);
    if (!page.ok) return false;
    const { entries, reached } = page.value;
    let last = from;
    for (const entry of entries) {
      if (!isNext(entry, last) && !isFirst(entry, last)) return this.#restart();
      this.#window.push(encodedEvent(entry));
      last = entry;
    }
    if (entries.length === 0) {
      const goesOn = from.epoch === "" || goesOnFrom(reached, from);
      return goesOn ? this.#notMissing(reached, from) : this.#restart();
    }
    if (this.#window.length > MAX_WINDOW) this.#window = this.#window.slice(-MAX_WINDOW / 2);
    this.reached = { epoch: last.epoch, seq: last.seq, link: last.link };
    this.#wake();
    return true;
  }

  /** An entry that came between the two questions is there by the next one; else the log lacks it. */
  async #notMissing(reached: FeedHead, from: FeedHead): Promise<boolean> {
    if (reached.seq === from.seq) return true;
    const again = await this.log.eventsAfter(from.seq, 0);
    return again.ok && again.value.entries.length === 0 ? this.#restart() : again.ok;
  }

  #restart(): boolean {
    this.#forget();
    this.historyCount += 1;
    return true;
  }

  #forget(): void {
    this.reached = undefined;
    this.#window = [];
  }

  #wake(): void {
    for (const wakeOne of this.#waiting) wakeOne();
  }
}

/** Whether it is the first that was ever told. */
function isFirst({ seq, previousLink }: LoggedEvent, last: FeedHead): boolean {
  return last.epoch === "" && seq === 1 && previousLink === "";
}

/** A follower of a hub; where it is, is all that is kept for it. */
class LogFollower implements Follower {
  readonly #hub: LogHub;
  #seq: number;
  #historyCount: number;
  #isOver = false;

  constructor(hub: LogHub, after: number) {
    this.#hub = hub;
    this.#seq = after;
    this.#historyCount = hub.historyCount;
  }

  async next(): Promise<readonly EncodedEvent[] | "ended"> {
    while (!this.#isOver && !this.#hub.isStopped) {
      const found = await this.#look();
      const last = found.at(-1);
      if (last === undefined) continue;
      this.#seq = last.seq;
      return found;
    }
    return "ended";
  }

  leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hub.leave();
  }

  async #look(): Promise<readonly EncodedEvent[]> {
    const { reached, historyCount } = this.#hub;
    if (reached !== undefined && historyCount !== this.#historyCount) return this.#reset(reached, "replaced");
    if (reached === undefined || reached.seq === this.#seq) return this.#wait(WAIT_FOR_ENTRIES_MS);
    if (this.#seq > reached.seq) return this.#lookAhead(reached);
    return this.#hub.recentAfter(this.#seq) ?? this.#lookBack(reached);
  }

  /** Nothing is lost by waking up too often. */
  async #wait(ms: number): Promise<readonly EncodedEvent[]> {
    await this.#hub.changed(ms);
    return [];
  }

  /** It may have been told by another control plane, which was quicker; or by a log that is gone. */
  async #lookAhead(reached: FeedHead): Promise<readonly EncodedEvent[]> {
    const page = await this.#hub.log.eventsAfter("end", 0);
    if (!page.ok || page.value.reached.seq >= this.#seq) return this.#wait(RETRY_AFTER_MS);
    return this.#reset(reached, "replaced");
  }

  async #lookBack(reached: FeedHead): Promise<readonly EncodedEvent[]> {
    const page = await this.#hub.log.eventsAfter(this.#seq, 0);
    if (!page.ok) return this.#wait(RETRY_AFTER_MS);
    const { entries } = page.value;
    const isWhole = entries[0]?.seq === this.#seq + 1 && entries.every(({ epoch }) => epoch === reached.epoch);
    return isWhole ? entries.map(encodedEvent) : this.#reset(reached, "forgotten");
  }

  #reset({ seq }: FeedHead, why: ResetCause): readonly EncodedEvent[] {
    this.#historyCount = this.#hub.historyCount;
    return [encodedReset(seq, why)];
  }
}
