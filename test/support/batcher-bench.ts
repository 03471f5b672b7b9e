// A batcher on a hand-turned loop over a reader whose reads are answered by hand.

import type { UnknownCause } from "../../src/core/evidence.ts";
import type { Span } from "../../src/core/tracing.ts";
import { createBreaker, type Breaker } from "../../src/resilience/breaker.ts";
import { createBatcher, type Batcher, type BatcherOptions } from "../../src/revocation/batcher.ts";
import type { LookUpAnswer } from "../../src/revocation/look-up.ts";
import { createHandTurnedLoop, settlePromises, type HandTurnedLoop } from "./hand-turned-loop.ts";

export const TIMEOUT_MS = 50;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

type Outcome = Awaited<ReturnType<BatcherOptions["reader"]["read"]>>;

/** A read that is out. */
export interface Read {
  readonly keys: readonly string[];
  readonly timeoutMs: number;
  answer(values: readonly (string | null)[]): Promise<void>;
  fail(cause: UnknownCause): Promise<void>;
  throws(): Promise<void>;
}

export interface BatcherBench {
  readonly loop: HandTurnedLoop;
  readonly reads: readonly Read[];
  /** What the observer heard. */
  readonly reported: readonly string[];
  readonly breaker: Breaker;
  readonly batcher: Batcher;
  read(place: number): Read;
  /** Looks `keys` up; the answers are added to what it returns. */
  lookUp(keys: readonly string[], deadlineInMs?: number, span?: Span): LookUpAnswer[];
  /** Two failed reads, which is what the breaker of this bench needs. */
  openTheBreaker(): Promise<void>;
}

export function unanswered(cause: UnknownCause): LookUpAnswer[] {
  return [{ ok: false, cause }];
}

export function createBatcherBench(changes: Partial<BatcherOptions> = {}): BatcherBench {
  const loop = createHandTurnedLoop();
  const reads: Read[] = [];
  const reported: string[] = [];
  const breaker = createBreaker({
    windowMs: 10_000,
    minCalls: 2,
    failureRatio: 0.5,
    openForMs: 1_000,
    probeForMs: 200,
    onChange: () => undefined,
  });
  const batcher = createBatcher({
    reader: { read: (keys, timeoutMs) => readByHand(reads, keys, timeoutMs) },
    clock: loop.clock,
    schedule: loop.schedule,
    breaker,
    observer: {
      batchSent: (keyCount) => reported.push(`sent ${keyCount}`),
      storeFailed: (cause) => reported.push(`failed ${cause}`),
      storeUp: (up) => reported.push(`up ${up}`),
    },
    timeoutMs: TIMEOUT_MS,
    maxBatchKeys: 100,
    maxBatchesInFlight: 4,
    maxWaiting: 1_000,
    ...changes,
  });
  const read = (place: number): Read => {
    const found = reads[place];
    if (found === undefined) throw new Error(`there is no read ${place}`);
    return found;
  };
  const lookUp: BatcherBench["lookUp"] = (keys, deadlineInMs = NEVER_MS, span) => {
    const answers: LookUpAnswer[] = [];
    batcher.lookUp(keys, loop.clock.now().monotonicMs + deadlineInMs, span, (answer) => answers.push(answer));
    return answers;
  };
  return {
    loop,
    reads,
    reported,
    breaker,
    batcher,
    read,
    lookUp,
    async openTheBreaker() {
      for (let i = 0; i < 2; i += 1) {
        lookUp(["k"]);
        loop.turn();
        await read(reads.length - 1).fail("connection_refused");
      }
    },
  };
}

function readByHand(reads: Read[], keys: readonly string[], timeoutMs: number): Promise<Outcome> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  reads.push({
    keys,
    timeoutMs,
    answer(values) {
      resolve({ ok: true, value: values });
      return settlePromises();
    },
    fail(cause) {
      resolve({ ok: false, error: { cause, detail: "" } });
      return settlePromises();
    },
    throws() {
      reject(new Error("bug"));
      return settlePromises();
    },
  });
  return promise;
}
