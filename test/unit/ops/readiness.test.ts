// When the sidecar is ready: what it waits for at the start, and which faults later change nothing.
import { expect, test, vi } from "vitest";
import {
  ALL_ISSUERS_WITHIN_MS,
  judgeReadiness,
  watchReadiness,
  type ReadinessFacts,
} from "../../../src/ops/readiness.ts";

interface Given {
  readonly answeredOnce?: boolean;
  readonly reachable?: boolean;
  readonly unfit?: string;
  /** Lag in milliseconds; null: there is one, not in step yet. */
  readonly replica?: number | null;
  readonly why?: string;
  readonly keys?: Readonly<Record<string, boolean>>;
}

function facts({
  answeredOnce = true,
  reachable = true,
  unfit,
  replica,
  why,
  keys = { main: true },
}: Given = {}): ReadinessFacts {
  return {
    store: { answeredOnce, reachable, unfit },
    replica: replica === undefined ? undefined : { lagMs: replica ?? undefined, why },
    issuers: Object.entries(keys).map(([id, hasKeys]) => ({ id, hasKeys })),
    isObserving: false,
  };
}

function judged(given: Given, { draining = false, upForMs = 0 } = {}): string {
  const { ready, components } = judgeReadiness(facts(given), draining, upForMs);
  return [ready ? "READY" : "NOT", ...Object.entries(components).map(([name, { state }]) => `${name}=${state}`)].join(
    " ",
  );
}

const LATE = { upForMs: ALL_ISSUERS_WITHIN_MS };

test("ready once the store has answered and each issuer has keys", () => {
  expect(judged({ keys: { a: true, b: true } })).toBe("READY keys:a=ready keys:b=ready store=ready draining=ready");
});

test("not ready until the store has answered once, however long that takes", () => {
  expect(judged({ answeredOnce: false }, LATE)).toBe("NOT keys:main=ready store=not_ready draining=ready");
});

test("for ten seconds every issuer's keys are waited for, then one with keys will do and the others are degraded", () => {
  const keys = { a: true, b: false };
  expect(judged({ keys }, { upForMs: ALL_ISSUERS_WITHIN_MS - 1 })).toBe(
    "NOT keys:a=ready keys:b=not_ready store=ready draining=ready",
  );
  expect(judged({ keys }, LATE)).toBe("READY keys:a=ready keys:b=degraded store=ready draining=ready");
});

test("without any issuer's keys it is never ready", () => {
  expect(judged({ keys: { a: false, b: false } }, LATE)).toBe(
    "NOT keys:a=not_ready keys:b=not_ready store=ready draining=ready",
  );
});

test("a store outage keeps it ready, for tiers decide and not the balancer", () => {
  expect(judged({ reachable: false })).toBe("READY keys:main=ready store=degraded draining=ready");
});

test("a store that may lose markers is not ready although it answers, and says why", () => {
  expect(judged({ unfit: "maxmemory-policy is allkeys-lru" })).toContain("NOT");
  expect(judgeReadiness(facts({ unfit: "evicts" }), false, 0).components["store"]).toEqual({
    state: "not_ready",
    detail: "evicts",
  });
});

test("draining is not ready", () => {
  expect(judged({}, { draining: true })).toBe("NOT keys:main=ready store=ready draining=not_ready");
});

test("a watcher tells each change once, the first state too, and drain at once", async () => {
  let given: Given = { answeredOnce: false };
  const told: boolean[] = [];
  const readiness = watchReadiness({
    facts: () => facts(given),
    clock: { now: () => ({ monotonicMs: 0, wallMs: 0 }) },
    onChange: (ready) => told.push(ready),
  });
  expect(told).toEqual([false]);
  given = {};
  await vi.waitFor(() => expect(told).toEqual([false, true]));
  given = { reachable: false };
  expect(readiness.report().ready).toBe(true);
  readiness.drain();
  expect(told).toEqual([false, true, false]);
  expect(readiness.report().ready).toBe(false);
  readiness.stop();
});

test("the ten seconds are counted from the start of the watch", () => {
  let nowMs = 50_000;
  const readiness = watchReadiness({
    facts: () => facts({ keys: { a: true, b: false } }),
    clock: { now: () => ({ monotonicMs: nowMs, wallMs: nowMs }) },
    onChange: () => undefined,
  });
  expect(readiness.report().ready).toBe(false);
  nowMs += ALL_ISSUERS_WITHIN_MS;
  expect(readiness.report().ready).toBe(true);
  readiness.stop();
});

test("a replica that is not in step, or cut off, keeps nobody away: the store is asked in its place", () => {
  expect(judged({ replica: null })).toContain("replica=degraded");
  expect(judged({ replica: 900 })).toContain("replica=ready");
  expect(judged({ replica: 5_000 })).toContain("replica=degraded");
  expect(judged({ replica: 900, why: "other writers are not heard" })).toContain("replica=degraded");
  for (const replica of [null, 900, 5_000]) expect(judged({ replica })).toMatch(/^READY/);
});
