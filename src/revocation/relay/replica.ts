// A replica that is told by a relay what stands and what changes, and asks it once a second how old that is. The answer
// comes behind all that it speaks of, so its position is the instant of asking less the relay's own age: a relay that is
// paused, cut off or behind leaves the position where it is, and the ladder does the rest.

import { ageMs, type Clock, type Instant } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Observer } from "../../core/observer.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { Judgement } from "../judge.ts";
import { Obstacles } from "../replica/obstacles.ts";
import type { Replica } from "../replica/replica.ts";
import type { ReplicaStatus } from "../replica/status.ts";
import type { Publications } from "../shared/publications.ts";
import type { RevocationSubject } from "../subject.ts";
import { Copy } from "./copy.ts";
import { createLink, type Link } from "./link.ts";
import { readFrame, readMessage, type Ask, type Hello, type Message, type Told } from "./messages.ts";

export interface RelayedReplicaOptions {
  readonly controlUrl: string;
  readonly token: string;
  /** The relay's must be the same, or keys of other names would be looked for. */
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: Log;
  readonly observer: Pick<Observer, "replicaIs">;
  /** In [0, 1): spreads a fleet. */
  readonly random: () => number;
  /** Called once something was applied of which somebody waits to hear. */
  readonly onAwaited: () => void;
  /** Where other threads read what is known; left out: none does. */
  readonly publications?: Publications;
}

/** What is due is seen within this. */
const BEAT_MS = 100;
const ASK_EVERY_MS = 1_000;

/** A connection on which an answer or the first word is due, and nothing was heard for so long, is dead or its other end is. */
const SILENCE_MS = 3_000;

export function createRelayedReplica(options: RelayedReplicaOptions): Replica {
  return new RelayedReplica(options);
}

class RelayedReplica implements Replica {
  readonly #options: RelayedReplicaOptions;
  readonly #link: Link;
  readonly #obstacles: Obstacles;
  readonly #startedAt: Instant;
  /** What is judged by. */
  #current: Copy | undefined;
  /** What is told now: `#current`, or what will be once it is whole and no older. */
  #told: Copy | undefined;
  #position: Instant | undefined;
  #changedAt: Instant;
  /** Nothing was said yet over a connection that is open. */
  #awaitsHello = false;
  #question: { readonly ask: number; readonly at: Instant } | undefined;
  #askedAt: Instant | undefined;
  #heardAt: Instant;
  #lastAsk = 0;
  #state: Pick<Told, "seq" | "pushed" | "why"> = { seq: 0, pushed: false, why: null };
  #endBeat: (() => void) | undefined;

  constructor(options: RelayedReplicaOptions) {
    const { clock, log } = options;
    this.#options = options;
    this.#heardAt = this.#changedAt = this.#startedAt = clock.now();
    this.#obstacles = new Obstacles(log);
    this.#link = createLink({
      ...options,
      query: () => this.#resumption(),
      opened: () => {
        this.#awaitsHello = true;
        this.#heardAt = clock.now();
      },
      heard: (data) => this.#hear(data),
      closed: (why) => {
        this.#awaitsHello = false;
        this.#told = undefined;
        this.#question = undefined;
        this.#obstacles.note("relay", why);
      },
    });
  }

  get position(): Instant | undefined {
    return this.#position;
  }

  get changedAt(): Instant {
    return this.#changedAt;
  }

  judge(subject: RevocationSubject): Judgement {
    return this.#current?.judge(subject) ?? { state: "active" };
  }

  start(): void {
    this.#link.start();
    this.#endBeat = this.#options.schedule.every(BEAT_MS, () => this.#beat());
  }

  async stop(): Promise<void> {
    this.#endBeat?.();
    await this.#link.stop();
  }

  status(): ReplicaStatus {
    const current = this.#current;
    const { seq, pushed, why } = this.#state;
    const reading = current === undefined ? "all markers are being read" : undefined;
    return {
      position: this.#position,
      heededUpTo: current?.heeded,
      entryCount: current?.size ?? 0,
      seq,
      isPushed: pushed,
      why: this.#obstacles.describe() ?? (why === null ? reading : `the control plane: ${why}`),
    };
  }

  #beat(): void {
    const { clock, observer } = this.#options;
    const now = clock.now();
    const isDue = this.#awaitsHello || this.#question !== undefined;
    if (isDue && ageMs(this.#heardAt, now) >= SILENCE_MS) {
      this.#link.cut("timeout", "the control plane says nothing");
    }
    if (this.#told !== undefined && this.#question === undefined) this.#askIfDue(now);
    this.#current?.expireSome();
    const { position, entryCount, seq, why } = this.status();
    this.#obstacles.report(why, ageMs(position ?? this.#startedAt, now));
    observer.replicaIs({ positionWallMs: position?.wallMs, entryCount, seq, wrongTypeCount: 0 });
  }

  #askIfDue(now: Instant): void {
    if (this.#askedAt !== undefined && ageMs(this.#askedAt, now) < ASK_EVERY_MS) return;
    const question: Ask = { ask: (this.#lastAsk += 1) };
    if (this.#link.send(JSON.stringify(question))) this.#question = { ...question, at: now };
    this.#askedAt = now;
    this.#heardAt = now;
  }

  #hear(data: Buffer | string): void {
    this.#heardAt = this.#options.clock.now();
    this.#awaitsHello = false;
    const isUnderstood = typeof data === "string" ? this.#hearMessage(data) : this.#hearFrame(data);
    if (isUnderstood) return;
    // Nothing of it can be gone on with: the next connection tells everything.
    if (this.#told === this.#current) this.#current?.breakOff();
    this.#link.cut("protocol", "the control plane said what cannot follow");
  }

  #hearFrame(data: Buffer): boolean {
    const frame = readFrame(data);
    const told = this.#told;
    if (frame === undefined || told === undefined) return false;
    if (told === this.#current) {
      this.#changedAt = this.#options.clock.now();
      this.#publish(told);
    }
    return frame.type === "part" ? told.addPart(frame.records) : told.change(frame.number, frame.records);
  }

  #hearMessage(text: string): boolean {
    const message: Message | undefined = readMessage(text);
    const told = this.#told;
    if (message === undefined) return false;
    if (message.type === "hello") return this.#greet(message);
    if (told === undefined) return false;
    switch (message.type) {
      case "whole":
        told.isWhole = true;
        // When it is how old is asked at once: nobody waits for the next second.
        this.#askedAt = undefined;
        return true;
      case "reached":
        if (!told.reach(message.number, message.heeded ?? undefined)) return false;
        if (told === this.#current) this.#options.onAwaited();
        return true;
      case "told":
        this.#learnAge(told, message);
        return true;
    }
  }

  #greet({ relay, salt, key_prefix: keyPrefix, next, resumed }: Hello): boolean {
    if (keyPrefix !== this.#options.keyPrefix) {
      this.#link.cut("protocol", "the control plane has another store.keyPrefix");
      return true;
    }
    if (!resumed) this.#told = new Copy(relay, salt, next, this.#options.publications !== undefined);
    else if (this.#current?.relay === relay && this.#current.next === next) this.#told = this.#current;
    else return false;
    this.#obstacles.note("relay", undefined);
    this.#askedAt = undefined;
    return true;
  }

  #learnAge(told: Copy, { ask, age_ms: relayAgeMs, store_now_s: storeNowS, heeded, seq, pushed, why }: Told): void {
    const question = this.#question;
    if (question === undefined || question.ask !== ask) return;
    this.#question = undefined;
    this.#link.works();
    this.#state = { seq, pushed, why };
    told.storeNowS = storeNowS;
    if (relayAgeMs === null || !told.isWhole) return;
    const { monotonicMs, wallMs } = question.at;
    const asOf = { monotonicMs: monotonicMs - relayAgeMs, wallMs: wallMs - relayAgeMs };
    if (asOf.monotonicMs < this.#knownToMs(told)) return;
    told.heeded = heeded ?? undefined;
    this.#position = asOf;
    if (told === this.#current) return this.#publish(told);
    this.#current = told;
    this.#changedAt = this.#options.clock.now();
    this.#publish(told);
    if (told.publication !== undefined) this.#options.publications?.succeed(told.publication);
    this.#options.onAwaited();
  }

  /** How current it is, for other threads: after all that the position speaks of, and before a change can be seen. */
  #publish({ publication, storeNowS }: Copy): void {
    publication?.publish({ position: this.#position, changedAt: this.#changedAt, storeNowS });
  }

  /**
   * Another control plane may be behind the one before: what was known from that, and heard since its last answer, stays in
   * use until the other must know it, too.
   */
  #knownToMs(told: Copy): number {
    if (this.#position === undefined) return -Infinity;
    const positionMs = this.#position.monotonicMs;
    return told === this.#current ? positionMs : Math.max(positionMs, this.#changedAt.monotonicMs);
  }

  /** Where it was, for who can go on from there. */
  #resumption(): Readonly<Record<string, string>> {
    const current = this.#current;
    return current?.next === undefined ? {} : { relay: current.relay, next: String(current.next) };
  }
}
