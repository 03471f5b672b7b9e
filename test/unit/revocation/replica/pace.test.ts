// How a scan gives way to look-ups, seen from one sidecar and from many that know nothing of each other.
import { expect, test } from "vitest";
import { Pace } from "../../../../src/revocation/replica/pace.ts";

const steady = (): number => 0.5;

test("a late answer doubles the pause, quick ones take it back little by little, within its bounds", () => {
  const pace = new Pace(steady);
  expect(pace.pauseAfterMs(1, 3)).toBeCloseTo(45);
  expect(pace.pauseAfterMs(11, 3)).toBeCloseTo(90);
  for (let i = 0; i < 100; i += 1) pace.pauseAfterMs(1, 3);
  expect(pace.pauseAfterMs(1, 3)).toBe(3);
  expect(pace.pauseAfterMs(1, 12)).toBe(12);
  for (let i = 0; i < 100; i += 1) pace.pauseAfterMs(Infinity, 3);
  expect(pace.pauseAfterMs(Infinity, 3)).toBe(2_000);
});

test("it is spread around what is wanted", () => {
  const low = new Pace(() => 0);
  const high = new Pace(() => 0.999);
  expect([low.around(100), low.upTo(100)]).toEqual([50, 0]);
  expect(high.around(100)).toBeCloseTo(149.9);
  expect(high.upTo(100)).toBeCloseTo(99.9);
});

/** A queue with one server: `count` scanners begin within 2 s, and each step takes it 0.85 ms. */
function fleet(count: number): { readonly steps: number; readonly meanWaitMs: number } {
  let state = 1;
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const scanners = Array.from({ length: count }, () => ({ pace: new Pace(random), dueMs: random() * 2_000 }));
  let freeAtMs = 0;
  let steps = 0;
  let waitedMs = 0;
  for (;;) {
    const next = scanners.reduce((soonest, one) => (one.dueMs < soonest.dueMs ? one : soonest));
    if (next.dueMs > 60_000) return { steps, meanWaitMs: waitedMs / steps };
    const beginsMs = Math.max(next.dueMs, freeAtMs);
    freeAtMs = beginsMs + 0.85;
    if (next.dueMs > 20_000) {
      steps += 1;
      waitedMs += beginsMs - next.dueMs;
    }
    next.dueMs = freeAtMs + next.pace.pauseAfterMs(freeAtMs - next.dueMs, 3);
  }
}

test("however many scan at once, a look-up waits some milliseconds behind them at the most, and they get on", () => {
  for (const count of [1, 10, 100, 1_000]) {
    const { steps, meanWaitMs } = fleet(count);
    expect(meanWaitMs, `${count} sidecars`).toBeLessThan(12);
    expect((steps / 40) * 250, `${count} sidecars, keys a second`).toBeGreaterThan(30_000);
  }
});
