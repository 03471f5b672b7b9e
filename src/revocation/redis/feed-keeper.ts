// Gives a store back what it acknowledged and then lost, as a failover does that promotes a replica without the newest
// writes: a control plane remembers the feed's last ten minutes and replays what is missing, lifts included (ADR 13). It
// decides nothing about Checks, and never weakens what stands.

import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import { ok, type Result } from "../../core/result.ts";
import { markerFacts } from "../marker-facts.ts";
import type { FeedHead } from "../replica/source.ts";
import type { StoredRevocation, StoreFault } from "../store.ts";
import { beginFeed } from "./feed-beginning.ts";
import { readEntries, readHead, readLog } from "./feed-log.ts";
import { followsOn, KeptFeed, netOf, type KeptEntry, type LostSuffix } from "./kept-feed.ts";
import type { Link } from "./link.ts";
import type { Ask } from "./operation.ts";
import { replayAgain, replayVerbatim } from "./replay.ts";
import { Voucher } from "./voucher.ts";

export interface FeedKeeperOptions {
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Nobody else's: whoever waits for an entry holds it up. */
  readonly link: Link;
  readonly begin: () => Ask;
}

export interface FeedKeeper {
  start(): void;
  /**
   * Resolves with true once this very change is remembered here; `put` undefined: all that was told before. False: it was
   * not, though the feed is followed, so whoever took it may be no primary any longer. A keeper that could never follow
   * the feed says true.
   */
  untilKept(put: Pick<StoredRevocation, "seq" | "id"> | undefined): Promise<boolean>;
  stop(): Promise<void>;
}

/** How long a wait for entries lasts, and so how late a lost head is seen. */
const WAIT_MS = 200;
const RETRY_AFTER_MS = 50;
const ANSWER_TIMEOUT_MS = 1_000;

/** An entry is remembered within a millisecond or two; on a machine that is busy elsewhere it may take much longer. */
const KEPT_WITHIN_BEATS = 10;
/** A process that was held loses one of them, not all: what came in meanwhile is read after timers. */
const BEAT_MS = 100;

/** Read at the start, so that a control plane that just came knows of what was acknowledged before. */
const ENTRIES_BEFORE = 2_000;

export function createFeedKeeper(options: FeedKeeperOptions): FeedKeeper {
  return new FollowingKeeper(options);
}

class FollowingKeeper implements FeedKeeper {
  readonly #options: FeedKeeperOptions;
  readonly #waiting = new Set<() => void>();
  readonly #voucher: Voucher;
  #kept = new KeptFeed();
  /** Up to here the feed was read; undefined: not yet. */
  #reached: FeedHead | undefined;
  /** undefined: that is not known yet. */
  #canFollow: boolean | undefined;
  #isStopped = false;
  #running: Promise<void> | undefined;

  constructor(options: FeedKeeperOptions) {
    this.#options = options;
    this.#voucher = new Voucher({ ...options, ask: this.#ask });
  }

  start(): void {
    this.#options.link.start();
    this.#running ??= this.#run();
  }

  async untilKept(put: Pick<StoredRevocation, "seq" | "id"> | undefined): Promise<boolean> {
    if (this.#canFollow === false) return true;
    if (put?.seq !== undefined) return this.#untilKept(put.seq, ({ value }) => markerFacts(value).id === put.id);
    const head = await readHead(this.#options.begin(), this.#options.keyPrefix);
    if (!head.ok) return false;
    const { epoch, seq, link } = head.value;
    return epoch === "" || this.#untilKept(seq, (entry) => entry.link === link);
  }

  /** By more than its seq: a server that was deposed meanwhile gives the same ones. */
  #untilKept(seq: number, isIt: (entry: KeptEntry) => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        const entry = this.#kept.at(seq);
        if (entry !== undefined && isIt(entry)) end(true);
      };
      const end = (isKept: boolean): void => {
        clearInterval(beat);
        this.#waiting.delete(wake);
        if (!isKept) this.#canFollow ??= false;
        resolve(isKept || this.#canFollow === false);
      };
      let beatsLeft = KEPT_WITHIN_BEATS;
      const beat = setInterval(() => {
        beatsLeft -= 1;
        if (beatsLeft === 0) end(false);
      }, BEAT_MS);
      this.#waiting.add(wake);
      wake();
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#options.link.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      const done = await this.#step();
      if (done.ok || this.#isStopped) continue;
      this.#voucher.doubt();
      await sleep(RETRY_AFTER_MS);
    }
  }

  async #step(): Promise<Result<void, StoreFault>> {
    await this.#options.link.whenOpen(ANSWER_TIMEOUT_MS);
    const head = await readHead(this.#ask, this.#options.keyPrefix);
    if (!head.ok) return head;
    const { epoch, seq } = head.value;
    if (head.value.epoch === "" && this.#kept.last === undefined) return this.#recover(head.value);
    // What is older than some entries before the head is not remembered, and the first of them need not follow on any.
    this.#reached ??= { epoch, seq: Math.max(0, seq - ENTRIES_BEFORE), link: "" };
    if (!goesOn(head.value, this.#reached)) return this.#recover(head.value);
    await this.#voucher.vouch(this.#kept.last ?? head.value);
    return this.#follow(this.#reached.seq);
  }

  async #follow(seq: number): Promise<Result<void, StoreFault>> {
    const entries = await readEntries(this.#ask, this.#options.keyPrefix, seq, WAIT_MS);
    if (!entries.ok) return entries;
    for (const entry of entries.value) {
      if (entry.op === "damaged") return this.#beginBehind(entry.seq);
      // Of another history, or some before it were trimmed.
      if (this.#kept.last !== undefined && entry.previousLink !== this.#kept.last.link) return this.#recover(entry);
      this.#kept.keep(entry, this.#options.clock.now().monotonicMs);
      this.#reached = entry;
    }
    this.#canFollow = true;
    for (const wake of this.#waiting) wake();
    return ok(undefined);
  }

  /** Nobody can say what was told there, so that no suffix with it in could be given back: what comes after it can. */
  #beginBehind(seq: number): Result<void, StoreFault> {
    this.#options.log.warn("feed_entry_damaged", { seq });
    this.#kept = new KeptFeed();
    this.#reached = { epoch: this.#reached?.epoch ?? "", seq, link: "" };
    return ok(undefined);
  }

  /** The store is not where it was: what it lost is given back, and the feed read anew from there. */
  async #recover(head: FeedHead): Promise<Result<void, StoreFault>> {
    const { keyPrefix, log } = this.#options;
    this.#voucher.doubt();
    await this.#voucher.vouch(this.#kept.last ?? head);
    const links = await readLog(this.#ask, keyPrefix, this.#kept.first?.seq ?? 0, ({ link }) => link);
    if (!links.ok) return links;
    const lost = this.#kept.lostFrom(head.epoch, links.value);
    const isBegun = head.epoch !== "" || lost.entries.length > 0;
    const replayed = isBegun ? await this.#replay(head, lost) : await this.#begin();
    // None, where another control plane was faster.
    if (replayed.ok && replayed.value > 0) {
      const lifts = lost.entries.filter(({ op }) => op === "lift").length;
      log.warn("store_lost_suffix_replayed", { count: replayed.value, lifts });
    }
    return replayed.ok ? ok(undefined) : replayed;
  }

  /** There is no feed, and none was lost. */
  async #begin(): Promise<Result<number, StoreFault>> {
    const begun = await beginFeed(this.#options.begin(), this.#options.keyPrefix);
    this.#reached = undefined;
    return begun.ok ? ok(0) : begun;
  }

  async #replay(head: FeedHead, { afterSeq, entries }: LostSuffix): Promise<Result<number, StoreFault>> {
    const { begin, keyPrefix } = this.#options;
    const [first] = entries;
    // The store is where we knew it then; or somebody wrote in between, and what is still missing is found out anew.
    if (first !== undefined && followsOn(first, head)) return replayVerbatim(begin, keyPrefix, entries);
    const replayed = await replayAgain(begin, keyPrefix, netOf(entries), afterSeq);
    if (!replayed.ok) return replayed;
    this.#kept = new KeptFeed();
    this.#reached = undefined;
    return replayed;
  }

  readonly #ask: Ask = (command, ...args) => this.#options.link.send(command, args, ANSWER_TIMEOUT_MS);
}

function goesOn(head: FeedHead, reached: FeedHead): boolean {
  if (head.epoch !== reached.epoch || head.seq < reached.seq) return false;
  return head.seq > reached.seq || reached.link === "" || head.link === reached.link;
}
