import { beforeEach, describe, expect, test, vi } from "vitest";
import type { UnknownCause } from "../../../src/core/evidence.ts";
import type { Span } from "../../../src/core/tracing.ts";
import { createBreaker, type Breaker } from "../../../src/resilience/breaker.ts";
import { createBatcher, type Batcher, type BatcherOptions } from "../../../src/revocation/batcher.ts";
import type { LookUpAnswer } from "../../../src/revocation/look-up.ts";
import { createHandTurnedLoop, settlePromises, type HandTurnedLoop } from "../../support/hand-turned-loop.ts";

const TIMEOUT_MS = 50;
const NEVER_MS = Number.MAX_SAFE_INTEGER;

type Values = readonly (string | null)[];

interface Read {
  readonly keys: readonly string[];
  readonly timeoutMs: number;
  answer(values: Values): Promise<void>;
  fail(cause: UnknownCause): Promise<void>;
  throws(): Promise<void>;
}

let loop: HandTurnedLoop;
let reads: Read[];
let reported: string[];
let breaker: Breaker;
let batcher: Batcher;

function build(changes: Partial<BatcherOptions> = {}): void {
  loop = createHandTurnedLoop();
  reads = [];
  reported = [];
  breaker = createBreaker({
    windowMs: 10_000,
    minCalls: 2,
    failureRatio: 0.5,
    openForMs: 1_000,
    probeForMs: 200,
    onChange: () => undefined,
  });
  batcher = createBatcher({
    reader: {
      read(keys, timeoutMs) {
        const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<BatcherOptions["reader"]["read"]>>>();
        reads.push({
          keys,
          timeoutMs,
          answer: (values) => (resolve({ ok: true, value: values }), settlePromises()),
          fail: (cause) => (resolve({ ok: false, error: { cause, detail: "" } }), settlePromises()),
          throws: () => (reject(new Error("bug")), settlePromises()),
        });
        return promise;
      },
    },
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
}

beforeEach(() => build());

function lookUp(keys: readonly string[], deadlineInMs = NEVER_MS, span?: Span): LookUpAnswer[] {
  const answers: LookUpAnswer[] = [];
  batcher.lookUp(keys, loop.clock.now().monotonicMs + deadlineInMs, span, (answer) => answers.push(answer));
  return answers;
}

function read(place: number): Read {
  const found = reads[place];
  if (found === undefined) throw new Error(`there is no read ${place}`);
  return found;
}

async function openTheBreaker(): Promise<void> {
  for (let i = 0; i < 2; i += 1) {
    lookUp(["k"]);
    loop.turn();
    await read(reads.length - 1).fail("connection_refused");
  }
  expect(breaker.state).toBe("open");
}

const unanswered = (cause: UnknownCause): LookUpAnswer[] => [{ ok: false, cause }];

describe("a turn of the event loop", () => {
  test("becomes one read, in which every key stands once, and everyone gets the values of their own keys", async () => {
    const first = lookUp(["a", "global"]);
    const second = lookUp(["b", "a", "global"]);
    expect(reads).toHaveLength(0);
    loop.turn();
    expect(reads).toHaveLength(1);
    expect(read(0).keys).toEqual(["a", "global", "b"]);
    expect(read(0).timeoutMs).toBe(TIMEOUT_MS);
    await read(0).answer(["1", null, "2"]);
    expect(first).toMatchObject([{ ok: true, values: ["1", null] }]);
    expect(second).toMatchObject([{ ok: true, values: ["2", "1", null] }]);
    expect(reported).toEqual(["sent 3", "up true"]);
  });

  test("more keys than a read may hold become several reads, and no caller is split", () => {
    build({ maxBatchKeys: 4 });
    for (const n of [1, 2, 3]) lookUp([`a${n}`, `b${n}`, `c${n}`]);
    lookUp(["a3", "b3"]);
    lookUp(["1", "2", "3", "4", "5"]);
    loop.turn();
    expect(reads.map(({ keys }) => keys)).toEqual([
      ["a1", "b1", "c1"],
      ["a2", "b2", "c2"],
      ["a3", "b3", "c3"],
      ["a3", "b3"],
    ]);
  });

  test("a look-up with more keys than a read may hold still goes, alone", () => {
    build({ maxBatchKeys: 2 });
    lookUp(["1"]);
    lookUp(["1", "2", "3"]);
    lookUp(["4"]);
    loop.turn();
    expect(reads.map(({ keys }) => keys)).toEqual([["1"], ["1", "2", "3"], ["4"]]);
  });
});

describe("the age of an answer", () => {
  test("it is counted from the instant before the question was written, not from when it was answered", async () => {
    const answers = lookUp(["a"]);
    loop.advance(7);
    const written = loop.clock.now();
    loop.turn();
    loop.advance(30);
    await read(0).answer([null]);
    expect(answers).toEqual([{ ok: true, asOf: written, values: [null] }]);
    expect(batcher.lastAnswerAt()).toEqual(written);
  });

  test("joining a batch already written: a call that comes while a read of its keys is out waits for its own", async () => {
    const early = lookUp(["a"]);
    loop.turn();
    loop.advance(3);
    const late = lookUp(["a"]);
    await read(0).answer([null]);
    expect(early).toHaveLength(1);
    expect(late).toHaveLength(0);
    loop.turn();
    await read(1).answer(["revoked"]);
    expect(late).toMatchObject([{ ok: true, values: ["revoked"] }]);
  });

  test("answers that overtake each other never make the last answer older", async () => {
    lookUp(["a"]);
    loop.turn();
    loop.advance(5);
    lookUp(["a"]);
    const second = loop.clock.now();
    loop.turn();
    await read(1).answer([null]);
    await read(0).answer([null]);
    expect(batcher.lastAnswerAt()).toEqual(second);
  });

  test("a read that failed answers nothing: the last answer stays where it was", async () => {
    expect(batcher.lastAnswerAt()).toBeUndefined();
    lookUp(["a"]);
    loop.turn();
    await read(0).fail("timeout");
    expect(batcher.lastAnswerAt()).toBeUndefined();
  });
});

describe("an answer is never given before lookUp has returned", () => {
  test.each([
    ["overloaded", () => build({ maxWaiting: 0 })],
    ["stopped", () => batcher.stop()],
    ["breaker_open", openTheBreaker],
  ] as const)("not even %s", async (cause, prepare) => {
    await prepare();
    const answers = lookUp(["a"]);
    expect(answers).toEqual([]);
    loop.turn();
    expect(answers).toEqual(unanswered(cause));
  });

  test("not even when the deadline has already passed", () => {
    const answers = lookUp(["a"], -1);
    expect(answers).toEqual([]);
    loop.turn();
    expect(answers).toEqual(unanswered("deadline"));
    expect(reads).toHaveLength(0);
  });
});

describe("a deadline", () => {
  test("ends the caller's wait within a sweep, not the batch, and the late answer is nobody's", async () => {
    const hasty = lookUp(["a"], 20);
    const patient = lookUp(["a"]);
    loop.turn();
    loop.advance(19);
    expect(hasty).toEqual([]);
    loop.advance(6);
    expect(hasty).toEqual(unanswered("deadline"));
    await read(0).answer([null]);
    expect(hasty).toHaveLength(1);
    expect(patient).toMatchObject([{ ok: true }]);
  });

  test("ends the wait for a place too, and the place is not taken later", async () => {
    build({ maxBatchesInFlight: 1, maxWaiting: 1 });
    lookUp(["a"]);
    loop.turn();
    const waiting = lookUp(["b"], 20);
    loop.turn();
    loop.advance(25);
    expect(waiting).toEqual(unanswered("deadline"));
    const next = lookUp(["c"]);
    await read(0).answer([null]);
    loop.turn();
    expect(read(1).keys).toEqual(["c"]);
    await read(1).answer([null]);
    expect(next).toMatchObject([{ ok: true }]);
  });

  test("is watched by one timer, which runs only while somebody waits", async () => {
    expect(loop.timerCount).toBe(0);
    for (let i = 0; i < 50; i += 1) lookUp([`${i}`]);
    expect(loop.timerCount).toBe(1);
    loop.turn();
    await read(0).answer(Array.from({ length: 50 }, () => null));
    loop.advance(5);
    expect(loop.timerCount).toBe(0);
  });
});

describe("load", () => {
  test("while all reads are out callers wait for the next, which takes them all", async () => {
    build({ maxBatchesInFlight: 2 });
    lookUp(["a"]);
    loop.turn();
    lookUp(["b"]);
    loop.turn();
    const waiting = ["c", "d", "e"].map((key) => lookUp([key]));
    loop.turn();
    expect(reads).toHaveLength(2);
    await read(0).answer([null]);
    loop.turn();
    expect(read(2).keys).toEqual(["c", "d", "e"]);
    await read(2).answer([null, null, null]);
    for (const answers of waiting) expect(answers).toMatchObject([{ ok: true }]);
  });

  test("past the bound one more is overloaded at once, and nobody who waits is harmed", async () => {
    build({ maxBatchesInFlight: 1, maxWaiting: 2 });
    lookUp(["out"]);
    loop.turn();
    const waiting = [lookUp(["a"]), lookUp(["b"])];
    const refused = lookUp(["c"]);
    loop.turn();
    expect(refused).toEqual(unanswered("overloaded"));
    await read(0).answer([null]);
    loop.turn();
    await read(1).answer([null, null]);
    for (const answers of waiting) expect(answers).toMatchObject([{ ok: true }]);
  });
});

describe("a store that does not answer", () => {
  test("everyone in the batch hears the cause, and it is counted once", async () => {
    const answers = [lookUp(["a"]), lookUp(["b"]), lookUp(["c"])];
    loop.turn();
    await read(0).fail("loading");
    for (const answer of answers) expect(answer).toEqual(unanswered("loading"));
    expect(reported).toEqual(["sent 3", "failed loading", "up false"]);
  });

  test("an answer of another length than the question is no answer", async () => {
    const answers = lookUp(["a", "b"]);
    loop.turn();
    await read(0).answer([null]);
    expect(answers).toEqual(unanswered("protocol"));
    expect(batcher.lastAnswerAt()).toBeUndefined();
  });

  test("a reader that throws is a failure like any other", async () => {
    const answers = lookUp(["a"]);
    loop.turn();
    await read(0).throws();
    expect(answers).toEqual(unanswered("protocol"));
  });

  test("a reader that never settles loses its place, and its callers are told", async () => {
    build({ maxBatchesInFlight: 1 });
    const lost = lookUp(["a"]);
    loop.turn();
    const waiting = lookUp(["b"]);
    loop.advance(2 * TIMEOUT_MS + 5);
    expect(lost).toEqual(unanswered("timeout"));
    loop.turn();
    await read(1).answer([null]);
    expect(waiting).toMatchObject([{ ok: true }]);
    const known = batcher.lastAnswerAt();
    const told = [...reported];
    loop.advance(1);
    await read(0).fail("timeout");
    expect(lost).toHaveLength(1);
    expect(reported, "a late outcome is nobody's").toEqual(told);
    expect(batcher.lastAnswerAt()).toEqual(known);
  });

  test("up and down are told when they change, not at every batch", async () => {
    for (const outcome of ["ok", "ok", "timeout", "ok"] as const) {
      lookUp(["a"]);
      loop.turn();
      const last = read(reads.length - 1);
      await (outcome === "ok" ? last.answer([null]) : last.fail(outcome));
    }
    expect(reported.filter((line) => line.startsWith("up"))).toEqual(["up true", "up false", "up true"]);
  });
});

describe("the breaker", () => {
  test("open: everyone is refused at once and the store is left alone", async () => {
    await openTheBreaker();
    const before = reads.length;
    const answers = [lookUp(["a"]), lookUp(["b"])];
    loop.turn();
    for (const answer of answers) expect(answer).toEqual(unanswered("breaker_open"));
    expect(reads).toHaveLength(before);
  });

  test("parked behind the probe: nobody is, even where the probe holds the only place", async () => {
    build({ maxBatchesInFlight: 1 });
    await openTheBreaker();
    loop.advance(1_000);
    const probe = lookUp(["a"]);
    loop.turn();
    const other = lookUp(["b"]);
    loop.turn();
    expect(other).toEqual(unanswered("breaker_open"));
    expect(probe).toEqual([]);
    await read(reads.length - 1).answer([null]);
    expect(probe).toMatchObject([{ ok: true }]);
    expect(breaker.state).toBe("closed");
  });

  test("opening: those who wait for a place are refused at once too", async () => {
    build({ maxBatchesInFlight: 2 });
    lookUp(["a"]);
    loop.turn();
    lookUp(["b"]);
    loop.turn();
    const waiting = lookUp(["c"]);
    loop.turn();
    await read(0).fail("timeout");
    await read(1).fail("timeout");
    loop.turn();
    expect(waiting).toEqual(unanswered("breaker_open"));
    expect(reads).toHaveLength(2);
  });

  test("a half-open breaker is probed by one read, however many the turn would fill", async () => {
    build({ maxBatchKeys: 1 });
    await openTheBreaker();
    loop.advance(1_000);
    const before = reads.length;
    const answers = [lookUp(["a"]), lookUp(["b"]), lookUp(["c"])];
    loop.turn();
    expect(reads).toHaveLength(before + 1);
    expect(answers).toEqual([[], unanswered("breaker_open"), unanswered("breaker_open")]);
  });
});

describe("stop", () => {
  test("answers those who wait for a place and those whose read is out; what comes late is dropped", async () => {
    build({ maxBatchesInFlight: 1 });
    const out = lookUp(["a"]);
    loop.turn();
    const waiting = lookUp(["b"]);
    batcher.stop();
    expect(out).toEqual(unanswered("stopped"));
    expect(waiting).toEqual(unanswered("stopped"));
    expect(loop.timerCount).toBe(0);
    await read(0).answer([null]);
    loop.turn();
    expect(out).toHaveLength(1);
    expect(reads).toHaveLength(1);
  });
});

describe("callers", () => {
  test("one that looks up again while it is answered waits for the next batch", async () => {
    const again: LookUpAnswer[] = [];
    batcher.lookUp(["a"], NEVER_MS, undefined, () => batcher.lookUp(["a"], NEVER_MS, undefined, (answer) => again.push(answer)));
    loop.turn();
    await read(0).answer([null]);
    expect(again).toEqual([]);
    loop.turn();
    await read(1).answer([null]);
    expect(again).toMatchObject([{ ok: true }]);
  });

  test("one that throws harms no neighbour, and is heard", async () => {
    batcher.lookUp(["a"], NEVER_MS, undefined, () => {
      throw new Error("a caller's bug");
    });
    const neighbour = lookUp(["b"]);
    loop.turn();
    await read(0).answer([null, null]);
    expect(neighbour).toMatchObject([{ ok: true }]);
    expect(() => loop.turn()).toThrow("a caller's bug");
  });

  test("a sampled one has its look-up as a span of its own, ended with the answer", async () => {
    const child = { traceId: "", child: vi.fn(), set: vi.fn(), fail: vi.fn(), end: vi.fn() };
    const parent = { ...child, child: vi.fn(() => child) };
    lookUp(["a", "b"], 20, parent);
    loop.turn();
    expect(parent.child).toHaveBeenCalledExactlyOnceWith("store look-up");
    expect(child.set).toHaveBeenCalledWith("portcullis.key_count", 2);
    expect(child.end).not.toHaveBeenCalled();
    loop.advance(25);
    expect(child.fail).toHaveBeenCalledExactlyOnceWith("deadline");
    await read(0).answer([null, null]);
    expect(child.end).toHaveBeenCalledOnce();
  });
});
