// Whatever outcomes come when, the breaker opens on enough failures alone, forgets the past, and probes one at a time.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createBreaker, type Breaker, type Permit } from "../../src/resilience/breaker.ts";

const OPTIONS = {
  windowMs: 100,
  minCalls: 4,
  failureRatio: 0.5,
  openForMs: 30,
  probeForMs: 20,
  onChange: () => undefined,
};

type Step =
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "acquire" }
  | { readonly kind: "settle"; readonly which: number; readonly failed: boolean };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 60 }) }),
    fc.record({ kind: fc.constant("acquire" as const) }),
    fc.record({ kind: fc.constant("settle" as const), which: fc.nat(30), failed: fc.boolean() }),
  ),
  { maxLength: 200 },
);

interface Out {
  readonly permit: Permit;
  readonly begunIn: string;
  readonly era: number;
}

/** Plays `history` and calls `check` after each step with what happened. */
function play(
  breaker: Breaker,
  history: readonly Step[],
  check: (nowMs: number, settled: Out | undefined, before: string) => void,
): number {
  let nowMs = 0;
  let era = 0;
  const out: Out[] = [];
  for (const step of history) {
    const before = breaker.state;
    let settled: Out | undefined;
    if (step.kind === "wait") nowMs += step.ms;
    if (step.kind === "acquire") {
      const permit = breaker.tryAcquire(nowMs);
      if (breaker.state !== before) era += 1;
      if (permit !== undefined) out.push({ permit, begunIn: breaker.state, era });
    }
    if (step.kind === "settle" && out.length > 0) {
      [settled] = out.splice(step.which % out.length, 1);
      if (settled === undefined) throw new Error("unreachable");
      if (step.failed) breaker.fail(settled.permit, nowMs);
      else breaker.succeed(settled.permit, nowMs);
      const stale = settled.era !== era;
      if (stale && breaker.state !== before) throw new Error("a stale result changed the state");
      if (breaker.state !== before) era += 1;
    }
    check(nowMs, settled, before);
  }
  return nowMs;
}

test("it never opens on fewer outcomes than it needs, nor without a failure", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const breaker = createBreaker(OPTIONS);
      const settledAtMs: number[] = [];
      play(breaker, history, (nowMs, settled, before) => {
        if (settled !== undefined && settled.begunIn === "closed") settledAtMs.push(nowMs);
        const opened = before === "closed" && breaker.state === "open";
        const inWindow = settledAtMs.filter((atMs) => atMs > nowMs - OPTIONS.windowMs).length;
        expect(opened && inWindow < OPTIONS.minCalls).toBe(false);
      });
    }),
  );
});

test("whatever happened before, after an idle window the fewest possible failures open it", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const breaker = createBreaker(OPTIONS);
      let nowMs = play(breaker, history, () => undefined) + OPTIONS.windowMs + OPTIONS.openForMs + OPTIONS.probeForMs;
      if (breaker.state !== "closed") {
        const probe = breaker.tryAcquire(nowMs);
        if (probe === undefined) throw new Error("an idle breaker must let a probe go");
        breaker.succeed(probe, nowMs);
      }
      expect(breaker.state).toBe("closed");
      nowMs += 1;
      for (let i = 0; i < OPTIONS.minCalls; i += 1) {
        expect(breaker.state).toBe("closed");
        const permit = breaker.tryAcquire(nowMs);
        if (permit === undefined) throw new Error("a closed breaker gives permits");
        breaker.fail(permit, nowMs);
      }
      expect(breaker.state).toBe("open");
    }),
  );
});

test("while it is not closed, at most one permit is given in the life of a probe", () => {
  fc.assert(
    fc.property(steps, (history) => {
      const breaker = createBreaker(OPTIONS);
      const givenAtMs: number[] = [];
      const out: Permit[] = [];
      let nowMs = 0;
      for (const step of history) {
        if (step.kind === "wait") nowMs += step.ms;
        if (step.kind === "acquire") {
          const wasClosed = breaker.state === "closed";
          const permit = breaker.tryAcquire(nowMs);
          if (permit !== undefined) out.push(permit);
          if (permit !== undefined && !wasClosed) givenAtMs.push(nowMs);
          if (wasClosed && permit === undefined) throw new Error("a closed breaker gives permits");
        }
        if (step.kind === "settle") {
          const [permit] = out.splice(step.which, 1);
          if (permit !== undefined) breaker[step.failed ? "fail" : "succeed"](permit, nowMs);
          if (breaker.state === "closed") givenAtMs.length = 0;
        }
      }
      const shortestMs = Math.min(OPTIONS.probeForMs, OPTIONS.openForMs);
      givenAtMs.forEach((atMs, i) => expect(atMs - (givenAtMs[i - 1] ?? -Infinity)).toBeGreaterThanOrEqual(shortestMs));
    }),
  );
});
