// An outage is a few log lines, however many calls and batches it touches, and none of it is left out of the counts.
import { beforeEach, describe, expect, test } from "vitest";
import type { LogFields } from "../../../src/core/log.ts";
import { createOutageLog, type OutageLog } from "../../../src/telemetry/outage-log.ts";

let nowMs: number;
let lines: (readonly [string, string, LogFields | undefined])[];
let outage: OutageLog;

beforeEach(() => {
  lines = [];
  nowMs = 5_000;
  outage = createOutageLog({
    log: {
      info: (event, fields) => void lines.push(["info", event, fields]),
      warn: (event, fields) => void lines.push(["warn", event, fields]),
    },
    clock: { now: () => ({ monotonicMs: nowMs, wallMs: 0 }) },
  });
});

function fail(cause: "timeout" | "connection_refused"): void {
  outage.storeFailed(cause);
  outage.storeUp(false);
}

describe("hazard 36: a store's outage", () => {
  test("is one warning with its cause when it begins, and one line when it is over", () => {
    outage.storeUp(true);
    nowMs += 60_000;
    expect(lines).toEqual([]);
    fail("connection_refused");
    outage.storeFailed("timeout");
    nowMs += 90_000;
    outage.storeFailed("timeout");
    outage.storeUp(true);
    expect(lines).toEqual([
      ["warn", "store_down", { cause: "connection_refused", short_outages: undefined }],
      ["info", "store_up", { down_for_ms: 90_000 }],
    ]);
  });

  test("from the start is told once it has lasted longer than a connection takes", () => {
    fail("timeout");
    outage.storeUp(true);
    fail("connection_refused");
    nowMs += 999;
    outage.storeFailed("connection_refused");
    expect(lines).toEqual([]);
    nowMs += 1;
    outage.storeFailed("connection_refused");
    expect(lines).toMatchObject([["warn", "store_down", { cause: "connection_refused" }]]);
  });

  test("that comes and goes with every batch is told about once a second, and the others are counted", () => {
    outage.storeUp(true);
    nowMs += 60_000;
    for (let batch = 0; batch < 2_000; batch++) {
      fail("timeout");
      nowMs += 1;
      outage.storeUp(true);
    }
    expect(lines.map(([, event]) => event)).toEqual(["store_down", "store_up", "store_down", "store_up"]);
    expect(lines[2]?.[2]).toEqual({ cause: "timeout", short_outages: 999 });
  });

  test("right after another is told within a second though it began unsaid", () => {
    nowMs += 60_000;
    fail("timeout");
    outage.storeUp(true);
    fail("connection_refused");
    expect(lines).toHaveLength(2);
    nowMs += 1_000;
    outage.storeFailed("connection_refused");
    outage.storeFailed("connection_refused");
    expect(lines.slice(2)).toMatchObject([["warn", "store_down", { cause: "connection_refused" }]]);
  });
});

test("the breaker is told of when it opens and when it closes, and not at each of its probes", () => {
  for (const state of ["closed", "open", "half-open", "open", "half-open", "open", "half-open", "closed"] as const) {
    outage.breakerIs(state);
  }
  expect(lines.map(([level, event]) => `${level} ${event}`)).toEqual(["warn breaker_open", "info breaker_closed"]);
});

test("hazard 36: fail-open is a warning at the first call, then at most one in ten seconds a tier, and counts every call", () => {
  for (let call = 0; call < 100; call++) outage.failedOpen("low");
  expect(lines).toEqual([["warn", "fail_open_active", { tier: "low", count: 1 }]]);
  nowMs += 9_999;
  outage.failedOpen("low");
  expect(lines).toHaveLength(1);
  nowMs += 1;
  outage.failedOpen("low");
  outage.failedOpen("lowest");
  expect(lines.slice(1).map(([, , fields]) => fields)).toEqual([
    { tier: "low", count: 101 },
    { tier: "lowest", count: 1 },
  ]);
});
