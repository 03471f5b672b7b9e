// The store is asked by itself where nobody else asks, so that its loss is known before a call meets it.
import { expect, test } from "vitest";
import { startHeartbeat } from "../../../src/revocation/heartbeat.ts";
import { createBatcherBench } from "../../support/batcher-bench.ts";

function beating(): ReturnType<typeof createBatcherBench> {
  const bench = createBatcherBench();
  const { clock, schedule } = bench.loop;
  startHeartbeat({ lookUp: bench.batcher, clock, schedule, key: "global", timeoutMs: 150 });
  bench.loop.turn();
  return bench;
}

test("asks at once, and again only after a second in which nobody else was answered", async () => {
  const bench = beating();
  expect(bench.reads).toHaveLength(1);
  await bench.read(0).answer([null]);
  bench.loop.advance(900);
  bench.lookUp(["a"]);
  bench.loop.turn();
  await bench.read(1).answer([null]);
  bench.loop.advance(900);
  bench.loop.turn();
  expect(bench.reads).toHaveLength(2);
  bench.loop.advance(600);
  bench.loop.turn();
  expect(bench.read(2).keys).toEqual(["global"]);
});

test("asks again what was left unanswered, for a store that answers other questions only proves nothing", async () => {
  const bench = beating();
  await bench.read(0).answer([null]);
  const knownAt = bench.batcher.lastAnswerAt();
  bench.lookUp(["revoked:jti:main:a", "global"]);
  bench.loop.turn();
  await bench.read(1).fail("timeout");
  bench.loop.advance(1_250);
  bench.loop.turn();
  expect(bench.read(2).keys).toEqual(["revoked:jti:main:a", "global"]);
  await bench.read(2).fail("timeout");
  expect(bench.batcher.lastAnswerAt()).toEqual(knownAt);
});
