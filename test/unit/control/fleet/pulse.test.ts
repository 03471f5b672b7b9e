// The fleet's pulse: rates are of what happened between two reports, and nothing is made up over a gap.
import { expect, test } from "vitest";
import { CHECK_DURATION_BOUNDS_S } from "../../../../src/core/decision-totals.ts";
import { createHeardReports } from "../../../../src/control/fleet/heard.ts";
import { createPulse, type FleetPulse } from "../../../../src/control/fleet/pulse.ts";
import { createMemoryFleetBoard } from "../../../../src/revocation/memory/fleet-board.ts";
import type { FleetBoard, SidecarReport } from "../../../../src/revocation/fleet-board.ts";

const BUCKETS = CHECK_DURATION_BOUNDS_S.length + 1;

/** A fleet whose clock is turned by hand; `board` may fail. */
function fleet(): {
  report: (id: string, allowed: number, over?: Partial<SidecarReport>, failedOpen?: number) => Promise<void>;
  pulse: () => Promise<FleetPulse>;
  pass: (ms: number) => void;
  breakStore: () => void;
} {
  let nowMs = 1_000_000;
  let isBroken = false;
  const clock = { now: () => ({ monotonicMs: nowMs, wallMs: nowMs }) };
  const memory = createMemoryFleetBoard(() => nowMs);
  const failed = { ok: false, error: { cause: "timeout", detail: "" } } as const;
  const board: FleetBoard = { ...memory, fleet: async () => (isBroken ? failed : memory.fleet()) };
  const heard = createHeardReports(clock);
  const pulse = createPulse(board, heard, clock);
  return {
    async report(id, allowed, over = {}, failedOpen = 0) {
      const durations = Array.from({ length: BUCKETS }, (_, bucket) => (bucket === 2 ? allowed : 0));
      const report: SidecarReport = {
        id,
        version: "1",
        heeded: undefined,
        lagMs: 0,
        breaker: "closed",
        totals: { allowed, denied: { revoked: allowed / 10 }, failedOpen, durations },
        answers: undefined,
        startedAtMs: 1,
        ...over,
      };
      heard.note(report);
      if (!isBroken) await memory.report([report]);
    },
    async pulse() {
      const read = await pulse.read();
      if (!read.ok) throw new Error(read.error.cause);
      return read.value;
    },
    pass: (ms) => void (nowMs += ms),
    breakStore: () => void (isBroken = true),
  };
}

test("tells no rate before it has watched, then what was decided between two reports", async () => {
  const { report, pulse, pass } = fleet();
  await report("a", 100);
  expect(await pulse()).toMatchObject({ rates: undefined, latencyMs: undefined, isStoreUp: true });
  pass(2_000);
  await report("a", 300);
  const { rates, latencyMs } = await pulse();
  expect(rates).toEqual({ allowedPerS: 100, deniedPerS: new Map([["revoked", 10]]), failedOpenPerS: 0 });
  expect(latencyMs?.get(50)).toBeCloseTo(0.175, 3);
  expect(latencyMs?.get(99)).toBeLessThanOrEqual(0.25);
});

test("a sidecar that comes, goes or begins anew is no burst of decisions", async () => {
  const { report, pulse, pass } = fleet();
  await report("a", 1_000);
  await pulse();
  pass(1_000);
  await report("a", 1_010);
  await report("b", 900_000);
  expect((await pulse()).rates?.allowedPerS).toBe(10);
  pass(1_000);
  await report("a", 5);
  await report("b", 900_020);
  expect((await pulse()).rates?.allowedPerS).toBe(0);
  pass(5_000);
  await report("a", 5);
  await report("b", 900_120);
  expect((await pulse()).rates?.allowedPerS).toBe(20);
});

test("tells nothing over a gap in which nobody asked", async () => {
  const { report, pulse, pass } = fleet();
  await report("a", 100);
  await pulse();
  pass(60_000);
  await report("a", 700);
  expect((await pulse()).rates).toBeUndefined();
});

test("goes on with what sidecars say here while the store cannot be asked: that is when they fail open", async () => {
  const { report, pulse, pass, breakStore } = fleet();
  await report("a", 100);
  await pulse();
  pass(1_000);
  breakStore();
  await report("a", 150, { breaker: "open" }, 40);
  const { isStoreUp, rates, members } = await pulse();
  expect(isStoreUp).toBe(false);
  expect(rates).toMatchObject({ allowedPerS: 50, failedOpenPerS: 40 });
  expect(members.map(({ sidecar }) => sidecar.breaker)).toEqual(["open"]);
});

test("is a fault where the store cannot be asked and nobody reports here", async () => {
  const { pulse, breakStore } = fleet();
  breakStore();
  await expect(pulse()).rejects.toThrow("timeout");
});
