// One replica of the store for many sidecars: what it learns is told to all who follow, in the order in which it was
// learned, with everything that stood before. It is as old as it can prove itself, and says so to whoever asks (ADR 18).

import { randomBytes } from "node:crypto";
import type { Clock } from "../../core/clock.ts";
import type { Log } from "../../core/log.ts";
import type { Schedule } from "../../resilience/schedule.ts";
import type { Heeded } from "../fleet-board.ts";
import { createFingerprints } from "../replica/fingerprint.ts";
import { Knowledge } from "../replica/knowledge.ts";
import { createReplica, type Replica } from "../replica/replica.ts";
import type { ReplicaSource } from "../replica/source.ts";
import { Journal } from "./journal.ts";
import type { Hello } from "./messages.ts";
import { Subscription, type Outlet, type Subscriber } from "./subscription.ts";

export interface RelayOptions {
  readonly source: ReplicaSource;
  readonly keyPrefix: string;
  readonly clock: Clock;
  readonly schedule: Schedule;
  readonly log: Log;
  readonly random: () => number;
  readonly scanEveryMs: number;
  readonly directWriters: boolean;
  /** How many follow. */
  readonly onCount: (count: number) => void;
}

/** Where a sidecar was when it was cut off. */
export interface Resumption {
  readonly relay: string;
  readonly next: number;
}

export interface Relay {
  /** Tells `outlet` everything, or what it missed since `from`, until one of them ends. */
  follow(outlet: Outlet, from: Resumption | undefined): Subscriber;
  /** Ends all that follow. */
  stop(): Promise<void>;
}

/** The relay's own age is added to each sidecar's, who asks once a second: a tier of 2 s must bear both. */
const ASK_EVERY_MS = 250;

/** Some 100,000 changes: who was away for a moment need not be told everything. */
const JOURNAL_BYTES = 4 * 1_048_576;

/** Each copies a part of the table a turn; the others wait, and their sidecars ask the store meanwhile. */
const MAX_SNAPSHOTS = 8;

export function createRelay(options: RelayOptions): Relay {
  return new ReplicaRelay(options);
}

class ReplicaRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #id = randomBytes(12).toString("base64url");
  readonly #fingerprints = createFingerprints();
  readonly #followers = new Set<Subscription>();
  readonly #known: Knowledge;
  readonly #replica: Replica;
  readonly #journal: Journal;
  #snapshotCount = 0;
  #isStarted = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#journal = new Journal({
      maxBytes: JOURNAL_BYTES,
      onPending: () => options.schedule.immediate(() => this.#tellAll()),
    });
    this.#known = new Knowledge(this.#fingerprints, (record) => this.#journal.add(record));
    this.#replica = createReplica({
      ...options,
      observer: { replicaIs: () => this.#lookAfterAll() },
      known: this.#known,
      askEveryMs: ASK_EVERY_MS,
      onAwaited: () => {
        this.#journal.reached(this.#heeded() ?? null);
        this.#tellAll();
      },
    });
  }

  follow(outlet: Outlet, from: Resumption | undefined): Subscriber {
    // A control plane that nobody follows asks its store for nothing.
    if (!this.#isStarted) this.#replica.start();
    this.#isStarted = true;
    this.#journal.flush();
    const resumed = from !== undefined && this.#holds(from);
    const next = resumed ? from.next : this.#journal.next;
    const hello: Hello = {
      type: "hello",
      relay: this.#id,
      salt: this.#fingerprints.salt,
      key_prefix: this.#options.keyPrefix,
      next,
      resumed,
    };
    const subscription = new Subscription({
      outlet,
      clock: this.#options.clock,
      schedule: this.#options.schedule,
      journal: this.#journal,
      known: this.#known,
      replica: this.#replica,
      heeded: () => this.#heeded(),
      hello,
      beginSnapshot: () => this.#beginSnapshot(),
      endSnapshot: () => this.#endSnapshot(),
      onOver: () => {
        this.#followers.delete(subscription);
        this.#options.onCount(this.#followers.size);
      },
    });
    this.#followers.add(subscription);
    this.#options.onCount(this.#followers.size);
    subscription.pump();
    return subscription;
  }

  async stop(): Promise<void> {
    for (const subscription of this.#followers) subscription.end("stopping");
    if (this.#isStarted) await this.#replica.stop();
  }

  #holds({ relay, next }: Resumption): boolean {
    return relay === this.#id && next >= this.#journal.first && next <= this.#journal.next;
  }

  #heeded(): Heeded | undefined {
    const head = this.#replica.status().heededUpTo;
    return head === undefined ? undefined : { epoch: head.epoch, seq: head.seq };
  }

  #tellAll(): void {
    this.#journal.flush();
    for (const subscription of this.#followers) subscription.pump();
  }

  #lookAfterAll(): void {
    const now = this.#options.clock.now();
    for (const subscription of this.#followers) subscription.endIfSilent(now);
    this.#snapshotsMayBegin();
  }

  /** What is still being read would be told twice: once as a part, and again as it is learned. */
  #beginSnapshot(): boolean {
    if (this.#replica.position === undefined || this.#snapshotCount >= MAX_SNAPSHOTS) return false;
    this.#snapshotCount += 1;
    return true;
  }

  #endSnapshot(): void {
    this.#snapshotCount -= 1;
    this.#options.schedule.immediate(() => this.#snapshotsMayBegin());
  }

  #snapshotsMayBegin(): void {
    if (this.#snapshotCount >= MAX_SNAPSHOTS || this.#replica.position === undefined) return;
    for (const subscription of this.#followers) if (subscription.isWaiting) subscription.pump();
  }
}
