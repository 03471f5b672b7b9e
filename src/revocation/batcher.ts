// Makes one read of all look-ups of a turn of the event loop. It never judges a value and never decides a verdict.

import type { Clock, Instant } from "../core/clock.ts";
import type { UnknownCause } from "../core/evidence.ts";
import type { Observer } from "../core/observer.ts";
import { err, type Result } from "../core/result.ts";
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
  const { reader, clock, breaker, observer, schedule, timeoutMs, maxBatchKeys, maxBatchesInFlight, maxWaiting } = options;
  const flights = new Set<Flight>();
  let queue: Waiter[] = [];
  let sendScheduled = false;
  let stopSweep: (() => void) | undefined;
  let lastAnswerAt: Instant | undefined;
  let up: boolean | undefined;
  let stopped = false;

  function tell(waiter: Waiter, answer: LookUpAnswer): void {
    try {
      answerOnce(waiter, answer);
    } catch (bug) {
      // A caller's bug is heard, but not by the neighbours whose answers are still to be handed out.
      schedule.immediate(() => {
        throw bug;
      });
    }
  }

  function scheduleSend(): void {
    if (sendScheduled) return;
    sendScheduled = true;
    schedule.immediate(sendWaiting);
  }

  /** Empties the queue before anyone is told, for a caller told may look up again at once. */
  function takeQueue(): Waiter[] {
    const taken = queue;
    queue = [];
    return taken;
  }

  function sendWaiting(): void {
    sendScheduled = false;
    const nowMs = clock.now().monotonicMs;
    const waiting = takeQueue();
    for (const waiter of waiting) if (nowMs >= waiter.deadlineAtMs) tell(waiter, unanswered("deadline"));
    let next = 0;
    while (next < waiting.length) {
      // Asked before the places are: nobody waits for the place that the breaker's probe holds.
      if (!breaker.admits(nowMs)) {
        for (; next < waiting.length; next += 1) tellAt(waiting, next, "breaker_open");
        break;
      }
      if (flights.size >= maxBatchesInFlight) break;
      const gathered = gather(waiting, next, maxBatchKeys);
      next = gathered.next;
      if (gathered.batch.waiters.length > 0) send(gathered.batch, nowMs);
    }
    if (next < waiting.length) queue = waiting.slice(next).concat(queue);
  }

  function tellAt(waiters: readonly Waiter[], place: number, cause: UnknownCause): void {
    const waiter = waiters[place];
    if (waiter !== undefined) tell(waiter, unanswered(cause));
  }

  function send(batch: Batch, nowMs: number): void {
    const permit = breaker.tryAcquire(nowMs);
    if (permit === undefined) {
      for (const waiter of batch.waiters) tell(waiter, unanswered("breaker_open"));
      return;
    }
    observer.batchSent(batch.keys.length);
    const flight: Flight = { batch, permit, asOf: clock.now() };
    flights.add(flight);
    void read(flight);
  }

  async function read(flight: Flight): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await reader.read(flight.batch.keys, timeoutMs);
    } catch {
      outcome = err({ cause: "protocol", detail: "the reader threw" });
    }
    land(flight, outcome);
  }

  function land(flight: Flight, outcome: Outcome): void {
    // Given up meanwhile: a late answer is nobody's.
    if (!flights.delete(flight)) return;
    const nowMs = clock.now().monotonicMs;
    if (queue.length > 0) scheduleSend();
    if (!outcome.ok) return crash(flight, outcome.error.cause, nowMs);
    if (outcome.value.length !== flight.batch.keys.length) return crash(flight, "protocol", nowMs);
    const { asOf } = flight;
    breaker.succeed(flight.permit, nowMs);
    reportUp(true);
    if (lastAnswerAt === undefined || asOf.monotonicMs > lastAnswerAt.monotonicMs) lastAnswerAt = asOf;
    distribute(flight.batch, outcome.value, (waiter, values) => tell(waiter, { ok: true, asOf, values }));
  }

  function crash(flight: Flight, cause: UnknownCause, nowMs: number): void {
    breaker.fail(flight.permit, nowMs);
    observer.storeFailed(cause);
    reportUp(false);
    for (const waiter of flight.batch.waiters) tell(waiter, unanswered(cause));
  }

  function reportUp(now: boolean): void {
    if (up === now) return;
    up = now;
    observer.storeUp(now);
  }

  function sweep(): void {
    const nowMs = clock.now().monotonicMs;
    for (const flight of flights) {
      for (const waiter of flight.batch.waiters) {
        if (nowMs >= waiter.deadlineAtMs) tell(waiter, unanswered("deadline"));
      }
      if (nowMs >= flight.asOf.monotonicMs + OVERDUE_TIMEOUTS * timeoutMs) {
        land(flight, err({ cause: "timeout", detail: "the reader never settled" }));
      }
    }
    const waiting = takeQueue();
    for (const waiter of waiting) if (nowMs >= waiter.deadlineAtMs) tell(waiter, unanswered("deadline"));
    queue = waiting.filter((waiter) => waiter.done !== undefined).concat(queue);
    if (flights.size === 0 && queue.length === 0) endSweep();
  }

  function endSweep(): void {
    stopSweep?.();
    stopSweep = undefined;
  }

  return {
    lookUp(keys, deadlineAtMs, span, done) {
      const refusal = stopped ? "stopped" : queue.length >= maxWaiting ? "overloaded" : undefined;
      if (refusal !== undefined) {
        schedule.immediate(() => done(unanswered(refusal)));
        return;
      }
      const child = span?.child("store look-up");
      child?.set("portcullis.key_count", keys.length);
      queue.push({ keys, deadlineAtMs, span: child, done });
      stopSweep ??= schedule.every(SWEEP_PERIOD_MS, sweep);
      scheduleSend();
    },
    lastAnswerAt: () => lastAnswerAt,
    stop() {
      stopped = true;
      endSweep();
      const waiting = takeQueue();
      const out = [...flights];
      flights.clear();
      for (const flight of out) for (const waiter of flight.batch.waiters) tell(waiter, unanswered("stopped"));
      for (const waiter of waiting) tell(waiter, unanswered("stopped"));
    },
  };
}
