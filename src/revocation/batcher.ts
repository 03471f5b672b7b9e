// Makes one read of all look-ups of a turn of the event loop. It never judges a value and never decides a verdict.

import type { Clock, Instant } from "../core/clock.ts";
import type { UnknownCause } from "../core/evidence.ts";
import type { Observer } from "../core/observer.ts";
import { err, type Result } from "../core/result.ts";
import type { Span } from "../core/tracing.ts";
import type { Breaker, Permit } from "../resilience/breaker.ts";
import type { Schedule } from "../resilience/schedule.ts";
import { answerOnce, distribute, gather, unanswered, type Batch, type Waiter } from "./batch.ts";
import type { LookUp, LookUpAnswer } from "./look-up.ts";
import type { MarkerReader, StoreFault } from "./store.ts";

/** How often waits are checked against their deadlines while somebody waits: one timer for all of them. */
const SWEEP_PERIOD_MS = 5;

/** A read without an outcome for this many time-outs has broken its promise; its place is given to another. */
const OVERDUE_TIMEOUTS = 2;

export interface BatcherOptions {
  readonly reader: MarkerReader;
  readonly clock: Clock;
  /** One for this batcher alone. Every unanswered read is a failure to it, whatever the cause. */
  readonly breaker: Breaker;
  readonly observer: Pick<Observer, "batchSent" | "storeFailed" | "storeUp">;
  readonly schedule: Schedule;
  /** Of one read. */
  readonly timeoutMs: number;
  /** Different keys in one read; a single look-up with more still goes in one. */
  readonly maxBatchKeys: number;
  readonly maxBatchesInFlight: number;
  /** Look-ups waiting to be sent; one more is `overloaded` at once. */
  readonly maxWaiting: number;
}

export interface Batcher extends LookUp {
  /**
   * `asOf` of the youngest batch that was answered whole: earlier than the answer itself, so that a grace counted
   * from it ends rather too early than too late. Undefined: never answered.
   */
  lastAnswerAt(): Instant | undefined;
  /** The keys of the last batch, if it was not answered: what has to be asked again to know that all is well. */
  unansweredKeys(): readonly string[] | undefined;
  /** Answers every look-up that waits, and every later one, with `stopped`. */
  stop(): void;
}

/** A batch that is out, and since when. */
interface Flight {
  readonly batch: Batch;
  readonly permit: Permit;
  readonly asOf: Instant;
}

type Outcome = Result<readonly (string | null)[], StoreFault>;

export function createBatcher(options: BatcherOptions): Batcher {
  return new TurnBatcher(options);
}

class TurnBatcher implements Batcher {
  readonly #options: BatcherOptions;
  readonly #flights = new Set<Flight>();
  #queue: Waiter[] = [];
  #sendScheduled = false;
  #stopSweep: (() => void) | undefined;
  #sweptAtMs = 0;
  #lastAnswerAt: Instant | undefined;
  #unansweredKeys: readonly string[] | undefined;
  #up: boolean | undefined;
  #stopped = false;
  /** Bound once: scheduling a turn makes no closure. */
  readonly #send: () => void = () => this.#sendWaiting();
  readonly #endOverdue: () => void = () => this.#endOverdueWaits();
  /**
   * Timers run before sockets: an answer that lies there already, for the loop was held, gets its turn first. What is
   * overdue is told by when the timer ran, for the turn after it may be held, too.
   */
  readonly #sweep: () => void = () => {
    this.#sweptAtMs = this.#options.clock.now().monotonicMs;
    this.#options.schedule.immediate(this.#endOverdue);
  };

  constructor(options: BatcherOptions) {
    this.#options = options;
  }

  lookUp(
    keys: readonly string[],
    deadlineAtMs: number,
    span: Span | undefined,
    done: (answer: LookUpAnswer) => void,
  ): void {
    const { schedule } = this.#options;
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      schedule.immediate(() => done(unanswered(refusal)));
      return;
    }
    const child = span?.child("store look-up");
    child?.set("portcullis.key_count", keys.length);
    this.#queue.push({ keys, deadlineAtMs, span: child, done });
    this.#stopSweep ??= schedule.every(SWEEP_PERIOD_MS, this.#sweep);
    this.#scheduleSend();
  }

  lastAnswerAt(): Instant | undefined {
    return this.#lastAnswerAt;
  }

  unansweredKeys(): readonly string[] | undefined {
    return this.#unansweredKeys;
  }

  stop(): void {
    this.#stopped = true;
    this.#endSweep();
    const waiting = this.#takeQueue();
    const out = Array.from(this.#flights);
    this.#flights.clear();
    for (const { batch } of out) this.#tellAll(batch.waiters, "stopped");
    this.#tellAll(waiting, "stopped");
  }

  #refusal(): UnknownCause | undefined {
    if (this.#stopped) return "stopped";
    return this.#queue.length >= this.#options.maxWaiting ? "overloaded" : undefined;
  }

  #scheduleSend(): void {
    if (this.#sendScheduled) return;
    this.#sendScheduled = true;
    this.#options.schedule.immediate(this.#send);
  }

  /** Empties the queue before anyone is told, for a caller told may look up again at once. */
  #takeQueue(): Waiter[] {
    const taken = this.#queue;
    this.#queue = [];
    return taken;
  }

  #sendWaiting(): void {
    this.#sendScheduled = false;
    const { breaker, clock, maxBatchKeys, maxBatchesInFlight } = this.#options;
    const nowMs = clock.now().monotonicMs;
    const waiting = this.#takeQueue();
    this.#tellExpired(waiting, nowMs, this.#causeUnsent());
    let next = 0;
    while (next < waiting.length) {
      // Asked before the places are: nobody waits for the place that the breaker's probe holds.
      if (!breaker.admits(nowMs)) {
        this.#tellAll(waiting.slice(next), "breaker_open");
        return;
      }
      if (this.#flights.size >= maxBatchesInFlight) break;
      const gathered = gather(waiting, next, maxBatchKeys);
      next = gathered.next;
      if (gathered.batch.waiters.length > 0) this.#sendBatch(gathered.batch, nowMs);
    }
    if (next < waiting.length) this.#queue = waiting.slice(next).concat(this.#queue);
  }

  #sendBatch(batch: Batch, nowMs: number): void {
    const { breaker, clock, observer } = this.#options;
    const permit = breaker.tryAcquire(nowMs);
    if (permit === undefined) {
      this.#tellAll(batch.waiters, "breaker_open");
      return;
    }
    observer.batchSent(batch.keys.length);
    const flight: Flight = { batch, permit, asOf: clock.now() };
    this.#flights.add(flight);
    void this.#read(flight);
  }

  async #read(flight: Flight): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#options.reader.read(flight.batch.keys, this.#options.timeoutMs);
    } catch {
      outcome = err({ cause: "protocol", detail: "the reader threw" });
    }
    this.#land(flight, outcome);
  }

  #land(flight: Flight, outcome: Outcome): void {
    // Given up meanwhile: a late answer is nobody's.
    if (!this.#flights.delete(flight)) return;
    if (this.#queue.length > 0) this.#scheduleSend();
    if (!outcome.ok) this.#fail(flight, outcome.error.cause);
    else if (outcome.value.length !== flight.batch.keys.length) this.#fail(flight, "protocol");
    else this.#answer(flight, outcome.value);
  }

  #answer(flight: Flight, values: readonly (string | null)[]): void {
    const { breaker, clock } = this.#options;
    const { asOf } = flight;
    breaker.succeed(flight.permit, clock.now().monotonicMs);
    this.#reportUp(true);
    this.#unansweredKeys = undefined;
    const last = this.#lastAnswerAt;
    if (last === undefined || asOf.monotonicMs > last.monotonicMs) this.#lastAnswerAt = asOf;
    distribute(flight.batch, values, (waiter, own) => this.#tell(waiter, { ok: true, asOf, values: own }));
  }

  #fail({ batch, permit }: Flight, cause: UnknownCause): void {
    const { breaker, clock, observer } = this.#options;
    breaker.fail(permit, clock.now().monotonicMs);
    observer.storeFailed(cause);
    this.#reportUp(false);
    this.#unansweredKeys = batch.keys;
    this.#tellAll(batch.waiters, cause);
  }

  #reportUp(up: boolean): void {
    if (this.#up === up) return;
    this.#up = up;
    this.#options.observer.storeUp(up);
  }

  #endOverdueWaits(): void {
    const { timeoutMs } = this.#options;
    const nowMs = this.#sweptAtMs;
    // The next sweep would be too late: whoever set the deadline gives up at it.
    const tillMs = nowMs + SWEEP_PERIOD_MS;
    for (const flight of this.#flights) {
      this.#tellExpired(flight.batch.waiters, tillMs, "deadline");
      if (nowMs >= flight.asOf.monotonicMs + OVERDUE_TIMEOUTS * timeoutMs) {
        this.#land(flight, err({ cause: "timeout", detail: "the reader never settled" }));
      }
    }
    const waiting = this.#takeQueue();
    this.#tellExpired(waiting, tillMs, this.#causeUnsent());
    this.#queue = waiting.filter((waiter) => waiter.done !== undefined).concat(this.#queue);
    if (this.#flights.size === 0 && this.#queue.length === 0) this.#endSweep();
  }

  #endSweep(): void {
    this.#stopSweep?.();
    this.#stopSweep = undefined;
  }

  /**
   * What kept a look-up from being sent in time: a store that leaves all places taken, or else our own load, which says
   * nothing about the store and must never open a door.
   */
  #causeUnsent(): UnknownCause {
    return this.#flights.size >= this.#options.maxBatchesInFlight ? "deadline" : "overloaded";
  }

  #tellExpired(waiters: readonly Waiter[], nowMs: number, cause: UnknownCause): void {
    for (const waiter of waiters) {
      if (nowMs >= waiter.deadlineAtMs) this.#tell(waiter, unanswered(cause));
    }
  }

  #tellAll(waiters: readonly Waiter[], cause: UnknownCause): void {
    for (const waiter of waiters) this.#tell(waiter, unanswered(cause));
  }

  #tell(waiter: Waiter, answer: LookUpAnswer): void {
    try {
      answerOnce(waiter, answer);
    } catch (bug) {
      // A caller's bug is heard, but not by the neighbours whose answers are still to be handed out.
      this.#options.schedule.immediate(() => {
        throw bug;
      });
    }
  }
}
