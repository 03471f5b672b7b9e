// The batcher while the store is slow, broken or away: bounded, everyone is answered, and the cause is told once.
import { beforeEach, describe, expect, test } from "vitest";
import { createBatcherBench, TIMEOUT_MS, unanswered, type BatcherBench } from "../../support/batcher-bench.ts";

let bench: BatcherBench;

beforeEach(() => {
  bench = createBatcherBench();
});

describe("load", () => {
  test("while all reads are out callers wait for the next, which takes them all", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 2 });
    bench.lookUp(["a"]);
    bench.loop.turn();
    bench.lookUp(["b"]);
    bench.loop.turn();
    const waiting = ["c", "d", "e"].map((key) => bench.lookUp([key]));
    bench.loop.turn();
    expect(bench.reads).toHaveLength(2);
    await bench.read(0).answer([null]);
    bench.loop.turn();
    expect(bench.read(2).keys).toEqual(["c", "d", "e"]);
    await bench.read(2).answer([null, null, null]);
    for (const answers of waiting) expect(answers).toMatchObject([{ ok: true }]);
  });

  test("past the bound one more is overloaded at once, and nobody who waits is harmed", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 1, maxWaiting: 2 });
    bench.lookUp(["out"]);
    bench.loop.turn();
    const waiting = [bench.lookUp(["a"]), bench.lookUp(["b"])];
    const refused = bench.lookUp(["c"]);
    bench.loop.turn();
    expect(refused).toEqual(unanswered("overloaded"));
    await bench.read(0).answer([null]);
    bench.loop.turn();
    await bench.read(1).answer([null, null]);
    for (const answers of waiting) expect(answers).toMatchObject([{ ok: true }]);
  });
});

describe("a store that does not answer", () => {
  test("everyone in the batch hears the cause, and it is counted once", async () => {
    const answers = [bench.lookUp(["a"]), bench.lookUp(["b"]), bench.lookUp(["c"])];
    bench.loop.turn();
    await bench.read(0).fail("loading");
    for (const answer of answers) expect(answer).toEqual(unanswered("loading"));
    expect(bench.reported).toEqual(["sent 3", "failed loading", "up false"]);
  });

  test("an answer of another length than the question is no answer", async () => {
    const answers = bench.lookUp(["a", "b"]);
    bench.loop.turn();
    await bench.read(0).answer([null]);
    expect(answers).toEqual(unanswered("protocol"));
    expect(bench.batcher.lastAnswerAt()).toBeUndefined();
  });

  test("a reader that throws is a failure like any other", async () => {
    const answers = bench.lookUp(["a"]);
    bench.loop.turn();
    await bench.read(0).throws();
    expect(answers).toEqual(unanswered("protocol"));
  });

  test("a reader that never settles loses its place, and its callers are told", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 1 });
    const lost = bench.lookUp(["a"]);
    bench.loop.turn();
    const waiting = bench.lookUp(["b"]);
    bench.loop.advance(2 * TIMEOUT_MS + 5);
    expect(lost).toEqual(unanswered("timeout"));
    bench.loop.turn();
    await bench.read(1).answer([null]);
    expect(waiting).toMatchObject([{ ok: true }]);
    const known = bench.batcher.lastAnswerAt();
    const told = [...bench.reported];
    bench.loop.advance(1);
    await bench.read(0).fail("timeout");
    expect(lost).toHaveLength(1);
    expect(bench.reported, "a late outcome is nobody's").toEqual(told);
    expect(bench.batcher.lastAnswerAt()).toEqual(known);
  });

  test("up and down are told when they change, not at every batch", async () => {
    for (const outcome of ["ok", "ok", "timeout", "ok"] as const) {
      bench.lookUp(["a"]);
      bench.loop.turn();
      const last = bench.read(bench.reads.length - 1);
      await (outcome === "ok" ? last.answer([null]) : last.fail(outcome));
    }
    expect(bench.reported.filter((line) => line.startsWith("up"))).toEqual(["up true", "up false", "up true"]);
  });
});

describe("the breaker", () => {
  test("open: everyone is refused at once and the store is left alone", async () => {
    await bench.openTheBreaker();
    const before = bench.reads.length;
    const answers = [bench.lookUp(["a"]), bench.lookUp(["b"])];
    bench.loop.turn();
    for (const answer of answers) expect(answer).toEqual(unanswered("breaker_open"));
    expect(bench.reads).toHaveLength(before);
  });

  test("parked behind the probe: nobody is, even where the probe holds the only place", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 1 });
    await bench.openTheBreaker();
    bench.loop.advance(1_000);
    const probe = bench.lookUp(["a"]);
    bench.loop.turn();
    const other = bench.lookUp(["b"]);
    bench.loop.turn();
    expect(other).toEqual(unanswered("breaker_open"));
    expect(probe).toEqual([]);
    await bench.read(bench.reads.length - 1).answer([null]);
    expect(probe).toMatchObject([{ ok: true }]);
    expect(bench.breaker.state).toBe("closed");
  });

  test("opening: those who wait for a place are refused at once too", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 2 });
    bench.lookUp(["a"]);
    bench.loop.turn();
    bench.lookUp(["b"]);
    bench.loop.turn();
    const waiting = bench.lookUp(["c"]);
    bench.loop.turn();
    await bench.read(0).fail("timeout");
    await bench.read(1).fail("timeout");
    bench.loop.turn();
    expect(waiting).toEqual(unanswered("breaker_open"));
    expect(bench.reads).toHaveLength(2);
  });

  test("a half-open breaker is probed by one read, however many the turn would fill", async () => {
    bench = createBatcherBench({ maxBatchKeys: 1 });
    await bench.openTheBreaker();
    bench.loop.advance(1_000);
    const before = bench.reads.length;
    const answers = [bench.lookUp(["a"]), bench.lookUp(["b"]), bench.lookUp(["c"])];
    bench.loop.turn();
    expect(bench.reads).toHaveLength(before + 1);
    expect(answers).toEqual([[], unanswered("breaker_open"), unanswered("breaker_open")]);
  });
});

describe("stop", () => {
  test("answers those who wait for a place and those whose read is out; what comes late is dropped", async () => {
    bench = createBatcherBench({ maxBatchesInFlight: 1 });
    const out = bench.lookUp(["a"]);
    bench.loop.turn();
    const waiting = bench.lookUp(["b"]);
    bench.batcher.stop();
    expect(out).toEqual(unanswered("stopped"));
    expect(waiting).toEqual(unanswered("stopped"));
    expect(bench.loop.timerCount).toBe(0);
    await bench.read(0).answer([null]);
    bench.loop.turn();
    expect(out).toHaveLength(1);
    expect(bench.reads).toHaveLength(1);
  });
});
