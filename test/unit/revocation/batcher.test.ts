// The batcher while all is well: what becomes one read, who may share it, and from when its answer counts.
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Span } from "../../../src/core/tracing.ts";
import type { LookUpAnswer } from "../../../src/revocation/look-up.ts";
import { createBatcherBench, TIMEOUT_MS, unanswered, type BatcherBench } from "../../support/batcher-bench.ts";

let bench: BatcherBench;

beforeEach(() => {
  bench = createBatcherBench();
});

describe("a turn of the event loop", () => {
  test("becomes one read, in which every key stands once, and everyone gets the values of their own keys", async () => {
    const first = bench.lookUp(["a", "global"]);
    const second = bench.lookUp(["b", "a", "global"]);
    expect(bench.reads).toHaveLength(0);
    bench.loop.turn();
    expect(bench.reads).toHaveLength(1);
    expect(bench.read(0).keys).toEqual(["a", "global", "b"]);
    expect(bench.read(0).timeoutMs).toBe(TIMEOUT_MS);
    await bench.read(0).answer(["1", null, "2"]);
    expect(first).toMatchObject([{ ok: true, values: ["1", null] }]);
    expect(second).toMatchObject([{ ok: true, values: ["2", "1", null] }]);
    expect(bench.reported).toEqual(["sent 3", "up true"]);
  });

  test("more keys than a read may hold become several bench.reads, and no caller is split", () => {
    bench = createBatcherBench({ maxBatchKeys: 4 });
    for (const n of [1, 2, 3]) bench.lookUp([`a${n}`, `b${n}`, `c${n}`]);
    bench.lookUp(["a3", "b3"]);
    bench.lookUp(["1", "2", "3", "4", "5"]);
    bench.loop.turn();
    expect(bench.reads.map(({ keys }) => keys)).toEqual([
      ["a1", "b1", "c1"],
      ["a2", "b2", "c2"],
      ["a3", "b3", "c3"],
      ["a3", "b3"],
    ]);
  });

  test("a look-up with more keys than a read may hold still goes, alone", () => {
    bench = createBatcherBench({ maxBatchKeys: 2 });
    bench.lookUp(["1"]);
    bench.lookUp(["1", "2", "3"]);
    bench.lookUp(["4"]);
    bench.loop.turn();
    expect(bench.reads.map(({ keys }) => keys)).toEqual([["1"], ["1", "2", "3"], ["4"]]);
  });
});

describe("the age of an answer", () => {
  test("it is counted from the instant before the question was written, not from when it was answered", async () => {
    const answers = bench.lookUp(["a"]);
    bench.loop.advance(7);
    const written = bench.loop.clock.now();
    bench.loop.turn();
    bench.loop.advance(30);
    await bench.read(0).answer([null]);
    expect(answers).toEqual([{ ok: true, asOf: written, values: [null] }]);
    expect(bench.batcher.lastAnswerAt()).toEqual(written);
  });

  test("joining a batch already written: a call that comes while a read of its keys is out waits for its own", async () => {
    const early = bench.lookUp(["a"]);
    bench.loop.turn();
    bench.loop.advance(3);
    const late = bench.lookUp(["a"]);
    await bench.read(0).answer([null]);
    expect(early).toHaveLength(1);
    expect(late).toHaveLength(0);
    bench.loop.turn();
    await bench.read(1).answer(["revoked"]);
    expect(late).toMatchObject([{ ok: true, values: ["revoked"] }]);
  });

  test("answers that overtake each other never make the last answer older", async () => {
    bench.lookUp(["a"]);
    bench.loop.turn();
    bench.loop.advance(5);
    bench.lookUp(["a"]);
    const second = bench.loop.clock.now();
    bench.loop.turn();
    await bench.read(1).answer([null]);
    await bench.read(0).answer([null]);
    expect(bench.batcher.lastAnswerAt()).toEqual(second);
  });

  test("a read that failed answers nothing: the last answer stays where it was", async () => {
    expect(bench.batcher.lastAnswerAt()).toBeUndefined();
    bench.lookUp(["a"]);
    bench.loop.turn();
    await bench.read(0).fail("timeout");
    expect(bench.batcher.lastAnswerAt()).toBeUndefined();
  });
});

describe("an answer is never given before lookUp has returned", () => {
  test.each([
    [
      "overloaded",
      (): void => {
        bench = createBatcherBench({ maxWaiting: 0 });
      },
    ],
    ["stopped", () => bench.batcher.stop()],
    ["breaker_open", (): Promise<void> => bench.openTheBreaker()],
  ] as const)("not even %s", async (cause, prepare) => {
    await prepare();
    const answers = bench.lookUp(["a"]);
    expect(answers).toEqual([]);
    bench.loop.turn();
    expect(answers).toEqual(unanswered(cause));
  });

  test("not even when the deadline has already passed", () => {
    const answers = bench.lookUp(["a"], -1);
    expect(answers).toEqual([]);
    bench.loop.turn();
    expect(answers).toEqual(unanswered("overloaded"));
    expect(bench.reads).toHaveLength(0);
  });
});

describe("a deadline", () => {
  test("ends the caller's wait by then, not the batch, and the late answer is nobody's", async () => {
    const hasty = bench.lookUp(["a"], 20);
    const patient = bench.lookUp(["a"]);
    bench.loop.turn();
    bench.loop.advance(14);
    expect(hasty).toEqual([]);
    bench.loop.advance(6);
    expect(hasty).toEqual(unanswered("deadline"));
    await bench.read(0).answer([null]);
    expect(hasty).toHaveLength(1);
    expect(patient).toMatchObject([{ ok: true }]);
  });

  test("ends the wait for a place too, and the place is not taken later", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 1, maxWaiting: 1 });
    bench.lookUp(["a"]);
    bench.loop.turn();
    const waiting = bench.lookUp(["b"], 20);
    bench.loop.turn();
    bench.loop.advance(25);
    expect(waiting).toEqual(unanswered("deadline"));
    const next = bench.lookUp(["c"]);
    await bench.read(0).answer([null]);
    bench.loop.turn();
    expect(bench.read(1).keys).toEqual(["c"]);
    await bench.read(1).answer([null]);
    expect(next).toMatchObject([{ ok: true }]);
  });

  test("is watched by one timer, which runs only while somebody waits", async () => {
    expect(bench.loop.timerCount).toBe(0);
    for (let i = 0; i < 50; i += 1) bench.lookUp([`${i}`]);
    expect(bench.loop.timerCount).toBe(1);
    bench.loop.turn();
    await bench.read(0).answer(Array.from({ length: 50 }, () => null));
    bench.loop.advance(5);
    expect(bench.loop.timerCount).toBe(0);
  });
});

describe("callers", () => {
  test("one that looks up again while it is answered waits for the next batch", async () => {
    const again: LookUpAnswer[] = [];
    bench.batcher.lookUp(["a"], Infinity, undefined, () =>
      bench.batcher.lookUp(["a"], Infinity, undefined, (answer) => again.push(answer)),
    );
    bench.loop.turn();
    await bench.read(0).answer([null]);
    expect(again).toEqual([]);
    bench.loop.turn();
    await bench.read(1).answer([null]);
    expect(again).toMatchObject([{ ok: true }]);
  });

  test("one that throws harms no neighbour, and is heard", async () => {
    bench.batcher.lookUp(["a"], Infinity, undefined, () => {
      throw new Error("a caller's bug");
    });
    const neighbour = bench.lookUp(["b"]);
    bench.loop.turn();
    await bench.read(0).answer([null, null]);
    expect(neighbour).toMatchObject([{ ok: true }]);
    expect(() => bench.loop.turn()).toThrow("a caller's bug");
  });

  test("a sampled one has its look-up as a span of its own, ended with the answer", async () => {
    const child = {
      traceId: "",
      child: vi.fn<Span["child"]>(),
      set: vi.fn<Span["set"]>(),
      fail: vi.fn<Span["fail"]>(),
      end: vi.fn<Span["end"]>(),
    };
    const parent = { ...child, child: vi.fn<Span["child"]>(() => child) };
    bench.lookUp(["a", "b"], 20, parent);
    bench.loop.turn();
    expect(parent.child).toHaveBeenCalledExactlyOnceWith("store look-up");
    expect(child.set).toHaveBeenCalledWith("portcullis.key_count", 2);
    expect(child.end).not.toHaveBeenCalled();
    bench.loop.advance(25);
    expect(child.fail).toHaveBeenCalledExactlyOnceWith("deadline");
    await bench.read(0).answer([null, null]);
    expect(child.end).toHaveBeenCalledOnce();
  });
});
