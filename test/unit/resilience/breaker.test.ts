// When the breaker opens, lets a probe through and closes, step by step on a clock turned by hand.
import { beforeEach, describe, expect, test } from "vitest";
import type { BreakerStateName } from "../../../src/core/observer.ts";
import { createBreaker, type Breaker, type Permit } from "../../../src/resilience/breaker.ts";

const OPTIONS = { windowMs: 10_000, minCalls: 20, failureRatio: 0.5, openForMs: 1_000, probeForMs: 100 };
const HOUR_MS = 3_600_000;

let changes: BreakerStateName[];
let breaker: Breaker;

beforeEach(() => {
  changes = [];
  breaker = createBreaker({ ...OPTIONS, onChange: (state) => changes.push(state) });
});

function acquire(nowMs: number): Permit {
  const permit = breaker.tryAcquire(nowMs);
  if (permit === undefined) throw new Error("expected a permit");
  return permit;
}

function calls(count: number, outcome: "succeed" | "fail", nowMs: number): void {
  for (let i = 0; i < count; i += 1) breaker[outcome](acquire(nowMs), nowMs);
}

/** Calls that fail until it opens. */
function failuresToOpen(nowMs: number): number {
  let count = 0;
  while (breaker.state === "closed") {
    calls(1, "fail", nowMs);
    count += 1;
  }
  return count;
}

describe("closed", () => {
  test("too few outcomes prove nothing", () => {
    calls(19, "fail", 0);
    expect(breaker.state).toBe("closed");
    calls(1, "fail", 0);
    expect(breaker.state).toBe("open");
  });

  test("it opens from the share of failures on, not below", () => {
    calls(21, "succeed", 0);
    calls(20, "fail", 0);
    expect(breaker.state).toBe("closed");
    calls(1, "fail", 0);
    expect(breaker.state).toBe("open");
  });

  test("a success never opens it, though failures were the share before there were enough outcomes", () => {
    calls(10, "fail", 0);
    calls(10, "succeed", 0);
    expect(breaker.state).toBe("closed");
    calls(1, "fail", 0);
    expect(breaker.state).toBe("open");
  });

  test("failures that have left the window do not count", () => {
    calls(19, "fail", 0);
    calls(19, "fail", 20_000);
    expect(breaker.state).toBe("closed");
  });
});

describe("the window that never expired (a well-known library needs 451 failures after an idle hour)", () => {
  test("after a busy time and an idle hour it opens as fast as when fresh", () => {
    const fresh = failuresToOpen(0);
    breaker = createBreaker({ ...OPTIONS, onChange: () => undefined });
    calls(5_000, "succeed", 0);
    expect(failuresToOpen(HOUR_MS)).toBe(fresh);
    expect(fresh).toBe(20);
  });
});

describe("open", () => {
  beforeEach(() => {
    calls(20, "fail", 0);
  });

  test("nobody gets a permit until it has been open long enough", () => {
    expect(breaker.admits(999)).toBe(false);
    expect(breaker.tryAcquire(999)).toBeUndefined();
    expect(breaker.admits(1_000)).toBe(true);
    expect(breaker.tryAcquire(1_000)).toBeDefined();
    expect(breaker.state).toBe("half-open");
  });

  test("asking whether it admits is not yet a probe", () => {
    expect(breaker.admits(5_000)).toBe(true);
    expect(breaker.state).toBe("open");
  });
});

describe("half-open", () => {
  let probe: Permit;
  beforeEach(() => {
    calls(20, "fail", 0);
    probe = acquire(1_000);
  });

  test("one probe goes, everyone else is refused at once", () => {
    expect(breaker.admits(1_001)).toBe(false);
    expect(breaker.tryAcquire(1_001)).toBeUndefined();
    expect(breaker.tryAcquire(1_099)).toBeUndefined();
  });

  test("a probe that is answered closes it, and the failures of before are forgotten", () => {
    breaker.succeed(probe, 1_010);
    expect(breaker.state).toBe("closed");
    calls(19, "fail", 1_020);
    expect(breaker.state).toBe("closed");
    expect(changes).toEqual(["open", "half-open", "closed"]);
  });

  test("a probe that fails opens it again for as long", () => {
    breaker.fail(probe, 1_050);
    expect(breaker.state).toBe("open");
    expect(breaker.admits(2_049)).toBe(false);
    expect(breaker.admits(2_050)).toBe(true);
  });

  test("a probe that never settles does not block for ever", () => {
    const second = acquire(1_100);
    expect(breaker.state).toBe("half-open");
    expect(breaker.tryAcquire(1_101)).toBeUndefined();
    breaker.succeed(probe, 1_110);
    expect(breaker.state, "the first probe was given up").toBe("half-open");
    breaker.succeed(second, 1_120);
    expect(breaker.state).toBe("closed");
  });
});

describe("a result of a call that began in an earlier state", () => {
  test("a late success does not close what failures have opened", () => {
    const early = acquire(0);
    calls(20, "fail", 0);
    breaker.succeed(early, 1);
    expect(breaker.state).toBe("open");
    const probe = acquire(1_000);
    breaker.succeed(early, 1_001);
    expect(breaker.state).toBe("half-open");
    breaker.fail(probe, 1_002);
    expect(breaker.state).toBe("open");
  });

  test("late failures of the outage do not open it again after the recovery", () => {
    const early = Array.from({ length: 40 }, () => acquire(0));
    calls(20, "fail", 0);
    breaker.succeed(acquire(1_000), 1_001);
    for (const permit of early) breaker.fail(permit, 1_002);
    expect(breaker.state).toBe("closed");
  });
});
