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
import { Position } from "./position.ts";
import type { FeedEntry, FeedHead, Moment, ReplicaSource } from "./source.ts";
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
}

export interface ReplicaStatus {
  readonly position: Instant | undefined;
  readonly entryCount: number;
  /** Of the last entry that was applied. */
  readonly seq: number;
  /** Writes by hand are heard as they happen; otherwise they are found by scan. */
  readonly isPushed: boolean;
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

/** After a scan that failed, or for a push that comes and goes. */
const SCAN_AGAIN_AFTER_MS = 1_000;

/** Between two steps of 1,000 keys of a scan that is not urgent: 20,000 keys a second. */
const SCAN_PAUSE_MS = 50;

const RETRY_AFTER_MS = 50;

/** Keys read in one moment: about 1 ms of Redis' time, and of ours. */
const KEYS_PER_READING = 500;

/** One unbroken stretch of the feed. A resync makes another. */
interface Base {
  readonly beganAt: Instant;
  applied: FeedHead;
  /** Of the newest head heard: entries up to it exist. */
  heardSeq: number;
  /** A head that is not reached yet, and when it was asked for. */
  awaited: { readonly askedAt: Instant; readonly seq: number } | undefined;
}

export function createReplica(options: ReplicaOptions): Replica {
  return new FeedReplica(options);
}

class FeedReplica implements Replica {
  readonly #options: ReplicaOptions;
  readonly #known = new Knowledge();
  readonly #position: Position;
  readonly #dirty: DirtyKeys;
  #base: Base | undefined;
  /** The base and the push that a whole scan has begun after. */
  #scannedBase: Base | undefined;
  #scannedPush: object | undefined;
  /** What is open now; each opening is another. */
  #push: object | undefined;
  #scan: { readonly base: Base; readonly beganAt: Instant; isOver: boolean } | undefined;
  #askedAt: Instant | undefined;
  #isAsking = false;
  #isProving = false;
  #readingCount = 0;
  #wrongTypeCount = 0;
  #changedAt: Instant;
  #isStopped = false;
  #endBeat: (() => void) | undefined;
  #wakeFollower: (() => void) | undefined;
  readonly #pauses = new Set<() => void>();

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.#position = new Position(options.directWriters);
    this.#changedAt = options.clock.now();
    this.#dirty = new DirtyKeys({
      read: async (keys) => (await this.#read(keys)) !== undefined,
      pause: () => this.#pause(RETRY_AFTER_MS),
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
    for (const wake of this.#pauses) wake();
    await this.#options.source.stop();
  }

  status(): ReplicaStatus {
    return {
      position: this.position,
      entryCount: this.#known.size,
      seq: this.#base?.applied.seq ?? 0,
      isPushed: this.#push !== undefined && this.#scannedPush === this.#push,
    };
  }

  #beat(): void {
    const { clock, observer } = this.#options;
    const now = clock.now();
    if (this.#base === undefined || this.#askedAt === undefined || ageMs(this.#askedAt, now) >= ASK_EVERY_MS) {
      void this.#ask();
      void this.#prove();
    }
    this.#scanIfDue(now);
    this.#known.expireSome();
    const { position, entryCount, seq } = this.status();
    observer.replicaIs({ positionWallMs: position?.wallMs, entryCount, seq, wrongTypeCount: this.#wrongTypeCount });
  }

  /** Asks where the feed stands: once everything up to there is applied, the replica knows all that was then. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    const { clock, source } = this.#options;
    const askedAt = clock.now();
    const base = this.#base;
    const before = base?.applied;
    this.#isAsking = true;
    this.#askedAt = askedAt;
    const moment = await source.read([]);
    this.#isAsking = false;
    if (!moment.ok || base !== this.#base || this.#isStopped) return;
    const { head, storeNowMs } = moment.value;
    this.#known.setStoreNow(storeNowMs);
    if (base === undefined || before === undefined) return this.#beginBase(head);
    if (!goesOnFrom(head, before)) return this.#resync("the feed is another, or was set back");
    base.heardSeq = Math.max(base.heardSeq, head.seq);
    if (this.#scannedBase === base) base.awaited ??= { askedAt, seq: head.seq };
    this.#settle(base);
  }

  #settle(base: Base): void {
    const { awaited, applied } = base;
    if (awaited === undefined || applied.seq < awaited.seq) return;
    base.awaited = undefined;
    this.#position.feedReached(awaited.askedAt);
  }

  #beginBase(head: FeedHead): void {
    const now = this.#options.clock.now();
    this.#base = { beganAt: now, applied: head, heardSeq: head.seq, awaited: undefined };
    this.#known.forgetOrder();
    this.#wakeFollower?.();
    this.#scanIfDue(now);
  }

  /** What is known stays in use, as old as it is, until it is known anew. */
  #resync(why: string): void {
    const base = this.#base;
    if (base === undefined) return;
    this.#options.log.warn("replica_resync", { why });
    this.#base = undefined;
    // A feed that is broken for good costs a beat each time, not a turn.
    if (ageMs(base.beganAt, this.#options.clock.now()) >= ASK_EVERY_MS) void this.#ask();
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      const base = this.#base;
      if (base === undefined || base.applied.epoch === "") {
        await this.#nextBase();
        continue;
      }
      const { heardSeq, applied } = base;
      const entries = await this.#options.source.entriesAfter(applied.seq);
      if (base !== this.#base) continue;
      if (!entries.ok) await this.#pause(RETRY_AFTER_MS);
      else if (entries.value.length > 0) this.#apply(base, entries.value);
      else if (heardSeq > applied.seq) this.#resync("entries are missing at the end of the feed");
    }
  }

  #nextBase(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeFollower = resolve;
    });
  }

  #apply(base: Base, entries: readonly FeedEntry[]): void {
    this.#changedAt = this.#options.clock.now();
    for (const entry of entries) {
      const { epoch, seq, link } = base.applied;
      if (entry.epoch !== epoch || entry.seq !== seq + 1 || entry.previousLink !== link) {
        return this.#resync("entries are missing in the feed");
      }
      this.#known.applyEntry(entry, this.#readingCount > 0);
      base.applied = { epoch, seq: entry.seq, link: entry.link };
    }
    if (this.#readingCount === 0) this.#known.settleOrder(base.applied.seq);
    this.#settle(base);
  }

  /** Reads some keys, at most KEYS_PER_READING; undefined: it failed, or what it found belongs to another history. */
  async #read(keys: readonly string[]): Promise<Moment | undefined> {
    const base = this.#base;
    if (base === undefined) return undefined;
    const before = base.applied;
    this.#readingCount += 1;
    const moment = await this.#options.source.read(keys);
    this.#readingCount -= 1;
    if (!moment.ok || base !== this.#base || this.#isStopped) return undefined;
    if (!goesOnFrom(moment.value.head, before)) {
      this.#resync("the feed is another, or was set back");
      return undefined;
    }
    this.#changedAt = this.#options.clock.now();
    this.#known.applyMoment(keys, moment.value, base.applied.seq);
    if (this.#readingCount === 0) this.#known.settleOrder(base.applied.seq);
    return moment.value;
  }

  #listener(): Parameters<ReplicaSource["start"]>[0] {
    return {
      opened: () => {
        this.#push = {};
        this.#scanIfDue(this.#options.clock.now());
      },
      changed: (keys) => this.#dirty.add(keys),
      everythingChanged: () => {
        this.#scannedPush = undefined;
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
      if (push === this.#push && push === this.#scannedPush) this.#position.directReached(askedAt);
    });
  }

  #scanIfDue(now: Instant): void {
    const base = this.#base;
    const last = this.#scan;
    if (base === undefined || this.#isStopped || last?.isOver === false) return;
    const sinceMs = last === undefined ? Infinity : ageMs(last.beganAt, now);
    const { directWriters, scanEveryMs } = this.#options;
    const isUrgent = base !== this.#scannedBase || (this.#push !== undefined && this.#push !== this.#scannedPush);
    if (isUrgent ? base === last?.base && sinceMs < SCAN_AGAIN_AFTER_MS : !directWriters || sinceMs < scanEveryMs) return;
    void this.#scanAll(base, now, isUrgent ? 0 : SCAN_PAUSE_MS);
  }

  async #scanAll(base: Base, beganAt: Instant, pauseMs: number): Promise<void> {
    const scan = { base, beganAt, isOver: false };
    const push = this.#push;
    this.#scan = scan;
    this.#known.beginGeneration();
    if (await this.#walk(base, pauseMs)) {
      this.#scannedBase = base;
      this.#scannedPush = push;
      this.#position.directReached(beganAt);
      void this.#ask();
      void this.#prove();
      for (let next = this.#known.forgetOlder(0); next !== 0; next = this.#known.forgetOlder(next)) await this.#turn();
    }
    scan.isOver = true;
  }

  /** Whether every key that stood from its begin to its end was read. */
  async #walk(base: Base, pauseMs: number): Promise<boolean> {
    let connection: number | undefined;
    let wrongTypeCount = 0;
    let cursor = "0";
    do {
      const step = await this.#options.source.scan(cursor);
      if (!step.ok || base !== this.#base || this.#isStopped) return false;
      if (step.value.connection !== (connection ??= step.value.connection)) return false;
      for (let i = 0; i < step.value.keys.length; i += KEYS_PER_READING) {
        const moment = await this.#read(step.value.keys.slice(i, i + KEYS_PER_READING));
        if (moment === undefined) return false;
        wrongTypeCount += moment.markers.filter((marker) => marker === "of another type").length;
      }
      if (pauseMs > 0) await this.#pause(pauseMs);
      cursor = step.value.next;
    } while (cursor !== "0");
    if (wrongTypeCount > this.#wrongTypeCount) {
      this.#options.log.warn("store_markers_of_wrong_type", { count: wrongTypeCount });
    }
    this.#wrongTypeCount = wrongTypeCount;
    return true;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#options.schedule.immediate(resolve));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        end();
        this.#pauses.delete(wake);
        resolve();
      };
      const end = this.#options.schedule.every(ms, wake);
      this.#pauses.add(wake);
      if (this.#isStopped) wake();
    });
  }
}

/** Whether a head heard may follow one that was reached before it was asked for. */
function goesOnFrom(head: FeedHead, before: FeedHead): boolean {
  if (head.epoch !== before.epoch || head.seq < before.seq) return false;
  return head.seq > before.seq || head.link === before.link;
}
