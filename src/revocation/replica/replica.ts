// Keeps every live marker in this process: follows the feed, hears the push, scans, and knows up to which instant that
// is all there is (design §4). It never refuses to answer and never guesses: what it cannot prove leaves its position.

import type { Clock, Instant } from "../../core/clock.ts";
import { ageMs } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { Judgement } from "../judge.ts";
import type { RevocationSubject } from "../subject.ts";
import { DirtyKeys } from "./dirty-keys.ts";
import { Knowledge } from "./knowledge.ts";
import { Pauses } from "./pauses.ts";
import { Position } from "./position.ts";
import { Scans } from "./scans.ts";
import type { FeedEntry, FeedHead, Moment, ReplicaSource } from "./source.ts";
import type { ReplicaStatus } from "./status.ts";
import { goesOnFrom, isNext, type Stretch } from "./stretch.ts";
import type { ReplicaView } from "./view.ts";

export interface ReplicaOptions {
  readonly source: ReplicaSource;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: Log;
  readonly observer: Pick<Observer, "replicaIs">;
  /** From the start of one scan to that of the next, unless it takes longer itself. */
  readonly scanEveryMs: number;
  /** false: nobody writes but through the feed, so there is nothing to hear or to scan for. */
  readonly directWriters: boolean;
  /** Called once entries were applied of which somebody waits for one. */
  readonly onAwaited?: () => void;
}

export interface Replica extends ReplicaView {
  start(): void;
  stop(): Promise<void>;
  status(): ReplicaStatus;
}

/** What is due is seen within this. */
const BEAT_MS = 100;

/** How old a position gets at the most while all is well. */
const ASK_EVERY_MS = 1_000;

const RETRY_AFTER_MS = 50;

const SET_BACK = "the feed is another, or was set back";

export function createReplica(options: ReplicaOptions): Replica {
  return new FeedReplica(options);
}

class FeedReplica implements Replica {
  readonly #options: ReplicaOptions;
  readonly #known = new Knowledge();
  readonly #position: Position;
  readonly #dirty: DirtyKeys;
  #stretch: Stretch | undefined;
  /** What is open now; each opening is another. */
  #push: object | undefined;
  readonly #scans: Scans;
  #askedAt: Instant | undefined;
  #isAsking = false;
  #isProving = false;
  #readingCount = 0;
  #changedAt: Instant;
  #isStopped = false;
  #endBeat: (() => void) | undefined;
  #wakeFollower: (() => void) | undefined;
  readonly #pauses: Pauses;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#position = new Position(options.directWriters);
    this.#pauses = new Pauses(options.schedule);
    this.#changedAt = options.clock.now();
    this.#scans = new Scans({
      ...options,
      known: this.#known,
      pauses: this.#pauses,
      everyMs: options.directWriters ? options.scanEveryMs : Infinity,
      read: (stretch, keys) => (stretch === this.#stretch ? this.#read(keys) : Promise.resolve(undefined)),
      isCurrent: (stretch) => stretch === this.#stretch && !this.#isStopped,
      onDone: (beganAt) => {
        this.#position.directReached(beganAt);
        void this.#ask();
        void this.#prove();
      },
    });
    this.#dirty = new DirtyKeys({
      read: async (keys) => (await this.#read(keys)) !== undefined,
      pause: () => this.#pauses.wait(RETRY_AFTER_MS),
    });
  }

  get position(): Instant | undefined {
    return this.#position.asOf;
  }

  get changedAt(): Instant {
    return this.#changedAt;
  }

  judge(subject: RevocationSubject): Judgement {
    return this.#known.judge(subject);
  }

  start(): void {
    const { source, schedule, directWriters } = this.#options;
    source.start(directWriters ? this.#listener() : undefined);
    this.#endBeat = schedule.every(BEAT_MS, () => this.#beat());
    this.#beat();
    void this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endBeat?.();
    this.#wakeFollower?.();
    this.#dirty.stop();
    this.#pauses.end();
    await this.#options.source.stop();
  }

  status(): ReplicaStatus {
    const stretch = this.#stretch;
    // The ladder asks nothing here without a position, and before a scan what was told earlier may be missing.
    const isHeeded = this.position !== undefined && stretch !== undefined && this.#scans.coversStretch(stretch);
    return {
      position: this.position,
      heededUpTo: isHeeded ? stretch.applied : undefined,
      entryCount: this.#known.size,
      seq: stretch?.applied.seq ?? 0,
      isPushed: this.#push !== undefined && this.#scans.coversPush(this.#push),
    };
  }

  #beat(): void {
    const { clock, observer } = this.#options;
    const now = clock.now();
    if (this.#stretch === undefined || this.#askedAt === undefined || ageMs(this.#askedAt, now) >= ASK_EVERY_MS) {
      void this.#ask();
      void this.#prove();
    }
    this.#scanIfDue();
    this.#known.expireSome();
    const { position, entryCount, seq } = this.status();
    observer.replicaIs({
      positionWallMs: position?.wallMs,
      entryCount,
      seq,
      wrongTypeCount: this.#scans.wrongTypeCount,
    });
  }

  /** Asks where the feed stands: once everything up to there is applied, the replica knows all that was then. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    const { clock, source } = this.#options;
    const askedAt = clock.now();
    const stretch = this.#stretch;
    const before = stretch?.applied;
    this.#isAsking = true;
    this.#askedAt = askedAt;
    const moment = await source.read([]);
    this.#isAsking = false;
    if (!moment.ok || stretch !== this.#stretch || this.#isStopped) return;
    this.#known.setStoreNow(moment.value.storeNowMs);
    const { head } = moment.value;
    if (stretch === undefined || before === undefined) this.#beginStretch(head);
    else if (goesOnFrom(head, before)) this.#await(stretch, head.seq, askedAt);
    else this.#resync(SET_BACK);
  }

  #await(stretch: Stretch, seq: number, askedAt: Instant): void {
    stretch.heardSeq = Math.max(stretch.heardSeq, seq);
    if (this.#scans.coversStretch(stretch)) stretch.awaited ??= { askedAt, seq };
    this.#settle(stretch);
  }

  #settle(stretch: Stretch): void {
    const { awaited, applied } = stretch;
    if (awaited === undefined || applied.seq < awaited.seq) return;
    stretch.awaited = undefined;
    this.#position.feedReached(awaited.askedAt);
  }

  #beginStretch(head: FeedHead): void {
    const now = this.#options.clock.now();
    this.#stretch = { beganAt: now, applied: head, heardSeq: head.seq, awaited: undefined };
    this.#known.forgetOrder();
    this.#wakeFollower?.();
    this.#scanIfDue();
  }

  /** What is known stays in use, as old as it is, until it is known anew. */
  #resync(why: string): void {
    const stretch = this.#stretch;
    if (stretch === undefined) return;
    if (stretch.applied.epoch !== "") this.#options.log.warn("replica_resync", { why });
    this.#stretch = undefined;
    // A feed that is broken for good costs a beat each time, not a turn.
    if (ageMs(stretch.beganAt, this.#options.clock.now()) >= ASK_EVERY_MS) void this.#ask();
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      const stretch = this.#stretch;
      if (stretch === undefined || stretch.applied.epoch === "") {
        await new Promise<void>((resolve) => (this.#wakeFollower = resolve));
        continue;
      }
      const { heardSeq, applied } = stretch;
      const entries = await this.#options.source.entriesAfter(applied.seq);
      if (stretch !== this.#stretch) continue;
      if (!entries.ok) await this.#pauses.wait(RETRY_AFTER_MS);
      else if (entries.value.length > 0) this.#apply(stretch, entries.value);
      else if (heardSeq > applied.seq) this.#resync("entries are missing at the end of the feed");
    }
  }

  #apply(stretch: Stretch, entries: readonly FeedEntry[]): void {
    this.#changedAt = this.#options.clock.now();
    for (const entry of entries) {
      if (!isNext(entry, stretch.applied)) return this.#resync("entries are missing in the feed");
      this.#known.applyEntry(entry, this.#readingCount > 0);
      stretch.applied = { epoch: entry.epoch, seq: entry.seq, link: entry.link };
    }
    if (this.#readingCount === 0) this.#known.settleOrder(stretch.applied.seq);
    this.#settle(stretch);
    if (entries.some((entry) => entry.isAwaited)) this.#options.onAwaited?.();
  }

  /** Reads some keys, at most KEYS_PER_READING; undefined: it failed, or what it found belongs to another history. */
  async #read(keys: readonly string[]): Promise<Moment | undefined> {
    const stretch = this.#stretch;
    if (stretch === undefined) return undefined;
    const before = stretch.applied;
    this.#readingCount += 1;
    const moment = await this.#options.source.read(keys);
    this.#readingCount -= 1;
    if (!moment.ok || stretch !== this.#stretch || this.#isStopped) return undefined;
    if (!goesOnFrom(moment.value.head, before)) {
      this.#resync(SET_BACK);
      return undefined;
    }
    this.#changedAt = this.#options.clock.now();
    this.#known.applyMoment(keys, moment.value, stretch.applied.seq);
    if (this.#readingCount === 0) this.#known.settleOrder(stretch.applied.seq);
    return moment.value;
  }

  #listener(): Parameters<ReplicaSource["start"]>[0] {
    return {
      opened: () => {
        this.#push = {};
        this.#scanIfDue();
      },
      changed: (keys) => this.#dirty.add(keys),
      everythingChanged: () => {
        this.#scans.uncoverPush();
        this.#resync("everything may have changed");
      },
      closed: () => {
        this.#push = undefined;
      },
    };
  }

  async #prove(): Promise<void> {
    const push = this.#push;
    if (this.#isProving || push === undefined) return;
    const { clock, source } = this.#options;
    const askedAt = clock.now();
    this.#isProving = true;
    const isProved = await source.provePush();
    this.#isProving = false;
    if (!isProved || this.#isStopped) return;
    // What was heard by now is still to be read.
    this.#dirty.onceRead(() => {
      if (push === this.#push && this.#scans.coversPush(push)) this.#position.directReached(askedAt);
    });
  }

  #scanIfDue(): void {
    if (this.#stretch !== undefined && !this.#isStopped) this.#scans.beginIfDue(this.#stretch, this.#push);
  }
}
