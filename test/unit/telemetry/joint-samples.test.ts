// How the numbers of several threads are shown as those of one process.

import { expect, test } from "vitest";
import { joint, type Sample } from "../../../src/telemetry/joint-samples.ts";

const of = (value: number, labels: Sample["labels"] = {}): readonly Sample[] => [{ labels, value }];

test.each([
  ["a count is summed", "portcullis_decisions_total", "counter", 1, [2, 3], 6],
  ["a distribution is summed", "portcullis_check_duration_seconds", "histogram", 0, [2, 3], 5],
  ["a store is up if all reach it", "portcullis_store_up", "gauge", 0, [1, 1], 1],
  ["a store is down if one does not", "portcullis_store_up", "gauge", 1, [1, 0], 0],
  ["the worst breaker counts", "portcullis_breaker_state", "gauge", 0, [0, 2], 2],
  ["the replica is the main thread's", "portcullis_replica_entries", "gauge", 7, [0, 0], 7],
  ["the process's CPU counts once", "process_cpu_seconds_total", "counter", 4, [4, 4], 4],
  ["the slowest event loop counts", "nodejs_eventloop_lag_seconds", "gauge", 0.1, [0.2, 0.3], 0.3],
  ["each thread has a heap", "nodejs_heap_size_used_bytes", "gauge", 1, [2, 3], 6],
])("%s", (_, name, type, here, elsewhere, shown) => {
  expect(
    joint(
      name,
      type,
      of(here),
      elsewhere.map((value) => ({ [name]: of(value) })),
    ),
  ).toEqual(of(shown));
});

test("series are told apart by all their labels, in whatever order", () => {
  const name = "portcullis_decisions_total";
  const elsewhere = [{ [name]: [...of(1, { tier: "low", reason: "ok" }), ...of(5, { tier: "low", reason: "no" })] }];
  expect(joint(name, "counter", of(1, { reason: "ok", tier: "low" }), elsewhere)).toEqual([
    ...of(2, { reason: "ok", tier: "low" }),
    ...of(5, { tier: "low", reason: "no" }),
  ]);
});
