// Reads records of a consumer group and has each dealt with; commits what is done, and nothing else. A client that fails
// is thrown away and made anew: what was not committed comes again.

import { setTimeout as delay } from "node:timers/promises";
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, type MessagesStream } from "@platformatic/kafka";
import { backOffMs } from "../../core/back-off.ts";
import { clientOptions, detailOf, type KafkaConnection } from "./client.ts";
import { within } from "./outlet.ts";
import { UnderWay, type Place } from "./under-way.ts";

export interface IncomingRecord extends Place {
  readonly key: Buffer | undefined;
  readonly value: Buffer | undefined;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
}

export interface InletOptions {
  readonly connection: KafkaConnection;
  readonly topics: readonly string[];
  readonly group: string;
  /** Unique to this process: a client made anew takes the place of the one before it, without waiting for its end. */
  readonly instance: string;
  /** Deals with one record; false: it could not before `signal` aborted. Never rejects. */
  readonly take: (record: IncomingRecord, signal: AbortSignal) => Promise<boolean>;
  /** Hears why it does not get on; undefined: it does. */
  readonly onTrouble: (why: string | undefined) => void;
}

export interface Inlet {
  start(): void;
  /** Reads no more, waits a moment for what is under way, commits what is done and leaves the group. */
  stop(): Promise<void>;
}

/** Enough to keep a store some milliseconds away busy; so many may be dealt with again after a crash. */
const MAX_UNDER_WAY = 64;
/** What a control plane that died had is another's after this: the least that brokers allow is 6 s. */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_EVERY_MS = 2_000;
const REBALANCE_TIMEOUT_MS = 15_000;
/** Longer than a group may take to come together. */
const REQUEST_TIMEOUT_MS = 20_000;
/** Of the broker, for something to come. */
const MAX_WAIT_MS = 1_000;
const MAX_FETCH_BYTES = 1_048_576;
const STOP_TIMEOUT_MS = 1_500;
const RETRY_FROM_MS = 250;
const RETRY_UP_TO_MS = 5_000;

export function createInlet(options: InletOptions): Inlet {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted;) {
      const error = await follow(options, stopping.signal, () => (failures = 0));
      if (stopping.signal.aborted) return;
      failures += 1;
      options.onTrouble(detailOf(error));
      const pauseMs = backOffMs(failures, RETRY_FROM_MS, RETRY_UP_TO_MS);
      await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

/** Until it fails, with why, or `stop` aborts. */
async function follow(options: InletOptions, stop: AbortSignal, onFollowing: () => void): Promise<unknown> {
  let consumer: Consumer | undefined;
  let session: Session | undefined;
  try {
    consumer = new Consumer({
      ...clientOptions(options.connection),
      groupId: options.group,
      groupInstanceId: options.instance,
      autocommit: false,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_EVERY_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxWaitTime: MAX_WAIT_MS,
      maxBytes: MAX_FETCH_BYTES,
    });
    const stream = await consumer.consume({
      topics: [...options.topics],
      mode: MessagesStreamModes.COMMITTED,
      // A group whose offsets the brokers have forgotten, as after a week away, must miss nothing.
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    });
    onFollowing();
    options.onTrouble(undefined);
    session = new Session(consumer, stream, options);
    await session.read(stop);
    return new Error("the stream of records ended");
  } catch (error) {
    return error;
  } finally {
    await session?.end();
    if (consumer !== undefined) await within(STOP_TIMEOUT_MS, consumer.close(true)).catch(() => undefined);
  }
}

/** The life of one client. */
class Session {
  readonly #consumer: Consumer;
  readonly #options: InletOptions;
  readonly #ending = new AbortController();
  readonly #underWay = new UnderWay();
  readonly #works = new Set<Promise<void>>();
  readonly #stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>;
  #committing: Promise<void> | undefined;

  constructor(consumer: Consumer, stream: MessagesStream<Buffer, Buffer, Buffer, Buffer>, options: InletOptions) {
    this.#consumer = consumer;
    this.#stream = stream;
    this.#options = options;
  }

  /** Until the stream fails, or `stop` aborts. */
  async read(stop: AbortSignal): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      stop.addEventListener("abort", () => resolve(), { once: true });
    });
    void stopped.then(() => this.#stream.destroy());
    for await (const message of this.#stream) {
      if (stop.aborted) return;
      const work = this.#deal(message);
      this.#works.add(work);
      void work.finally(() => this.#works.delete(work));
      while (this.#underWay.count >= MAX_UNDER_WAY && !stop.aborted) await Promise.race([stopped, ...this.#works]);
    }
  }

  /** What is not done by then comes again. */
  async end(): Promise<void> {
    const done = Promise.all(this.#works);
    await within(STOP_TIMEOUT_MS, done).catch(() => undefined);
    this.#ending.abort();
    await within(STOP_TIMEOUT_MS, this.#commit()).catch(() => undefined);
  }

  async #deal(record: IncomingRecord): Promise<void> {
    const { topic, partition, offset, leaderEpoch } = record;
    const done = this.#underWay.begin({ topic, partition, offset, leaderEpoch });
    const isDone = await this.#options.take(record, this.#ending.signal);
    if (isDone && done()) void this.#commit();
  }

  /** One after another, each of all that is done by then. Where one fails the client has, and all of it comes again. */
  #commit(): Promise<void> {
    this.#committing ??= this.#commitReached().finally(() => {
      this.#committing = undefined;
    });
    return this.#committing;
  }

  async #commitReached(): Promise<void> {
    for (let reached = this.#underWay.takeReached(); reached.length > 0; reached = this.#underWay.takeReached()) {
      const offsets = reached.map(({ topic, partition, offset, leaderEpoch }) => ({
        topic,
        partition,
        leaderEpoch,
        offset: offset + 1n, // of the next one to read
      }));
      try {
        await this.#consumer.commit({ offsets });
      } catch (error) {
        this.#stream.destroy(error as Error);
        return;
      }
    }
  }
}
