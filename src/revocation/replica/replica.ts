// Keeps every live marker in this process: follows the feed, hears the push, scans, and knows up to which instant that
// is all there is (ADR 11). It never refuses to answer and never guesses: what it cannot prove leaves its position.

import { ageMs, type Instant } from "../../core/clock.ts";
import type { Judgement } from "../judge.ts";
import type { RevocationSubject } from "../subject.ts";
import { Hearing } from "./hearing.ts";
import { Knowledge } from "./knowledge.ts";
import { Obstacles } from "./obstacles.ts";
import type { ReplicaOptions } from "./options.ts";
import { Pauses } from "./pauses.ts";
import { Position } from "./position.ts";
import { Scans } from "./scans.ts";
import type { FeedEntry, FeedHead, Moment } from "./source.ts";
import type { ReplicaStatus } from "./status.ts";
import { goesOnFrom, isNext, type Stretch } from "./stretch.ts";
import type { ReplicaView } from "./view.ts";
import { WrongTypes } from "./wrong-types.ts";

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

/** Entries are applied for so long in one turn of the event loop, for Checks wait behind it. */
const APPLY_FOR_MS = 2;
const ENTRIES_PER_LOOK = 16;

const SET_BACK = "the feed is another, or was set back";

export function createReplica(options: ReplicaOptions): Replica {
  return new FeedReplica({ known: new Knowledge(), ...options });
}

type KnowingOptions = ReplicaOptions & { readonly known: Knowledge };

class FeedReplica implements Replica {
  readonly #options: KnowingOptions;
  readonly #position: Position;
  readonly #hearing: Hearing;
  readonly #scans: Scans;
  readonly #wrongTypes: WrongTypes;
  readonly #obstacles: Obstacles;
  #stretch: Stretch | undefined;
  readonly #startedAt: Instant;
  #askedAt: Instant | undefined;
  #isAsking = false;
  #readingCount = 0;
  #isStopped = false;
  #endBeat: (() => void) | undefined;
  #wakeFollower: (() => void) | undefined;
  readonly #pauses: Pauses;

  constructor(options: KnowingOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
    this.#position = new Position(options.directWriters, this.#startedAt, (position) =>
      options.publish?.({ ...position, storeNowS: options.known.storeNowS }),
    );
    this.#pauses = new Pauses(options.schedule);
    this.#wrongTypes = new WrongTypes(options.log);
    this.#obstacles = new Obstacles(options.log);
    this.#scans = new Scans({
      ...options,
      pauses: this.#pauses,
      everyMs: options.scanEveryMs,
      read: (stretch, keys) => (stretch === this.#stretch ? this.#read(keys) : Promise.resolve(undefined)),
      isCurrent: (stretch) => stretch === this.#stretch && !this.#isStopped,
      onDone: (beganAt) => this.#scanned(beganAt),
    });
    this.#hearing = new Hearing({
      ...options,
      pauses: this.#pauses,
      read: async (keys) => (await this.#read(keys)) !== undefined,
      isCovered: (push) => this.#scans.coversPush(push),
      onOpen: () => {
        this.#obstacles.note("push", undefined);
        this.#scanIfDue();
      },
      onEverything: () => {
        this.#scans.uncoverPush();
        this.#resync("everything may have changed");
      },
      onFault: (why) => this.#obstacles.note("push", why),
      onReached: (askedAt) => this.#position.directReached(askedAt),
    });
  }

  get position(): Instant | undefined {
    return this.#position.asOf;
  }

  get changedAt(): Instant {
    return this.#position.changedAt;
  }

  judge(subject: RevocationSubject): Judgement {
    return this.#options.known.judge(subject);
  }

  start(): void {
    const { source, schedule, directWriters } = this.#options;
    source.start(directWriters ? this.#hearing.listener : undefined);
    this.#endBeat = schedule.every(BEAT_MS, () => this.#beat());
    this.#beat();
    void this.#follow();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#endBeat?.();
    this.#wakeFollower?.();
    this.#hearing.stop();
    this.#pauses.end();
    await this.#options.source.stop();
  }

  status(): ReplicaStatus {
    const stretch = this.#stretch;
    // The ladder asks nothing here without a position, and before a scan what was told earlier may be missing.
    const isHeeded = this.position !== undefined && stretch !== undefined && this.#scans.coversStretch(stretch);
    return {
      position: this.position,
      // Of a feed that has not begun nothing can be said: its first entry is not waited for.
      heededUpTo: isHeeded && stretch.applied.epoch !== "" ? stretch.applied : undefined,
      entryCount: this.#options.known.size,
      seq: stretch?.applied.seq ?? 0,
      isPushed: this.#isPushed(),
      why: this.#obstacles.describe() ?? this.#unread(),
    };
  }

  #isPushed(): boolean {
    const { push } = this.#hearing;
    return push !== undefined && this.#scans.coversPush(push);
  }

  #unread(): string | undefined {
    const isCovered = this.#stretch !== undefined && this.#scans.coversStretch(this.#stretch);
    return isCovered && (this.#isPushed() || !this.#options.directWriters) ? undefined : "all markers are being read";
  }

  #beat(): void {
    const { clock, observer, askEveryMs = ASK_EVERY_MS } = this.#options;
    const now = clock.now();
    if (this.#stretch === undefined || this.#askedAt === undefined || ageMs(this.#askedAt, now) >= askEveryMs) {
      void this.#ask();
      void this.#hearing.prove();
    }
    this.#scanIfDue();
    this.#options.known.expireSome();
    this.#wrongTypes.report(now);
    const { position, entryCount, seq, why } = this.status();
    this.#obstacles.report(why, ageMs(position ?? this.#startedAt, now));
    observer.replicaIs({
      positionWallMs: position?.wallMs,
      entryCount,
      seq,
      wrongTypeCount: this.#wrongTypes.count,
    });
  }

  #scanned(beganAt: Instant): void {
    this.#wrongTypes.endRound();
    this.#position.directReached(beganAt);
    void this.#ask();
    void this.#hearing.prove();
    this.#options.onAwaited?.();
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
    this.#obstacles.note("reads", moment.ok ? undefined : moment.error);
    if (!moment.ok || stretch !== this.#stretch || this.#isStopped) return;
    this.#options.known.setStoreNow(moment.value.storeNowMs);
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
    this.#options.known.forgetOrder();
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
      this.#obstacles.note("feed", entries.ok ? undefined : entries.error);
      if (stretch !== this.#stretch) continue;
      if (!entries.ok) await this.#pauses.wait(RETRY_AFTER_MS);
      else if (entries.value.length > 0) await this.#apply(stretch, entries.value);
      else if (heardSeq > applied.seq) this.#resync("entries are missing at the end of the feed");
    }
  }

  async #apply(stretch: Stretch, entries: readonly FeedEntry[]): Promise<void> {
    const { clock } = this.#options;
    let beganAt = clock.now();
    this.#position.changes(beganAt);
    for (const [i, entry] of entries.entries()) {
      if (i % ENTRIES_PER_LOOK === 0 && clock.now().monotonicMs - beganAt.monotonicMs >= APPLY_FOR_MS) {
        await this.#pauses.turn();
        if (stretch !== this.#stretch) return;
        this.#position.changes((beganAt = clock.now()));
      }
      if (!isNext(entry, stretch.applied)) return this.#resync("entries are missing in the feed");
      this.#options.known.applyEntry(entry, this.#readingCount > 0);
      this.#hearing.toldByFeed(entry.key);
      stretch.applied = { epoch: entry.epoch, seq: entry.seq, link: entry.link };
    }
    if (this.#readingCount === 0) this.#options.known.settleOrder(stretch.applied.seq);
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
    this.#position.changes(this.#options.clock.now());
    this.#options.known.applyMoment(keys, moment.value, stretch.applied.seq);
    this.#wrongTypes.note(keys, moment.value);
    if (this.#readingCount === 0) this.#options.known.settleOrder(stretch.applied.seq);
    return moment.value;
  }

  #scanIfDue(): void {
    if (this.#stretch !== undefined && !this.#isStopped) this.#scans.beginIfDue(this.#stretch, this.#hearing.push);
  }
}
