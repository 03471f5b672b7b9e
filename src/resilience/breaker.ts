// Decides whether asking is worth it now: closed, open, half-open. It never asks, never waits, reads no clock.

import type { BreakerStateName } from "../core/observer.ts";
import { createWindow, type Window } from "./window.ts";

export interface BreakerOptions {
  /** Outcomes older than this no longer count. */
  readonly windowMs: number;
  /** Fewer outcomes than this in the window prove nothing. */
  readonly minCalls: number;
  /** Share of failures in the window, above 0 to 1, from which it opens. */
  readonly failureRatio: number;
  /** How long it stays open before one probe may go. */
  readonly openForMs: number;
  /** A probe without an outcome for this long is given up and another may go. Longer than a call's own time-out. */
  readonly probeForMs: number;
  /** Hears of every change of state, once. */
  readonly onChange: (state: BreakerStateName) => void;
}

/** The right to one call, owed exactly one succeed() or fail(). Opaque: the state in which the call began. */
export type Permit = Closed | HalfOpen;

export interface Breaker {
  /** Whether tryAcquire() would give a permit now. Changes nothing. */
  admits(nowMs: number): boolean;
  /** A permit, or undefined at once: nobody is ever parked behind a probe. All times on the monotonic clock. */
  tryAcquire(nowMs: number): Permit | undefined;
  succeed(permit: Permit, nowMs: number): void;
  fail(permit: Permit, nowMs: number): void;
  /** An open breaker stays open until a call comes to be its probe. */
  readonly state: BreakerStateName;
}

interface Closed {
  readonly name: "closed";
  readonly window: Window;
}

interface Open {
  readonly name: "open";
  readonly untilMs: number;
}

interface HalfOpen {
  readonly name: "half-open";
  readonly probeUntilMs: number;
}

type State = Closed | Open | HalfOpen;

export function createBreaker(options: BreakerOptions): Breaker {
  const { windowMs, minCalls, failureRatio, openForMs, probeForMs, onChange } = options;
  let state: State = { name: "closed", window: createWindow(windowMs) };

  function become(next: State): void {
    const changed = next.name !== state.name;
    state = next;
    if (changed) onChange(next.name);
  }

  function admits(nowMs: number): boolean {
    switch (state.name) {
      case "closed":
        return true;
      case "open":
        return nowMs >= state.untilMs;
      case "half-open":
        return nowMs >= state.probeUntilMs;
    }
  }

  function settle(permit: Permit, failed: boolean, nowMs: number): void {
    // A call begun in an earlier state says nothing about this one.
    if (permit !== state) return;
    switch (permit.name) {
      case "half-open":
        become(failed ? { name: "open", untilMs: nowMs + openForMs } : { name: "closed", window: createWindow(windowMs) });
        return;
      case "closed": {
        permit.window.record(failed, nowMs);
        if (!failed) return;
        const { calls, failures } = permit.window.totals(nowMs);
        if (calls >= minCalls && failures >= failureRatio * calls) become({ name: "open", untilMs: nowMs + openForMs });
      }
    }
  }

  return {
    admits,
    tryAcquire(nowMs) {
      if (!admits(nowMs)) return undefined;
      if (state.name === "closed") return state;
      const probe: HalfOpen = { name: "half-open", probeUntilMs: nowMs + probeForMs };
      become(probe);
      return probe;
    },
    succeed(permit, nowMs) {
      settle(permit, false, nowMs);
    },
    fail(permit, nowMs) {
      settle(permit, true, nowMs);
    },
    get state() {
      return state.name;
    },
  };
}
