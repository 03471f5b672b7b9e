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
  let state: State = closed(options);

  function become(next: State): void {
    const changed = next.name !== state.name;
    state = next;
    if (changed) options.onChange(next.name);
  }

  function settle(permit: Permit, failed: boolean, nowMs: number): void {
    // A call begun in an earlier state says nothing about this one.
    if (permit === state) become(after(permit, failed, nowMs, options));
  }

  return {
    admits: (nowMs) => admits(state, nowMs),
    tryAcquire(nowMs) {
      if (!admits(state, nowMs)) return undefined;
      if (state.name === "closed") return state;
      const probe: HalfOpen = { name: "half-open", probeUntilMs: nowMs + options.probeForMs };
      become(probe);
      return probe;
    },
    succeed: (permit, nowMs) => settle(permit, false, nowMs),
    fail: (permit, nowMs) => settle(permit, true, nowMs),
    get state() {
      return state.name;
    },
  };
}

function closed({ windowMs }: BreakerOptions): Closed {
  return { name: "closed", window: createWindow(windowMs) };
}

function open({ openForMs }: BreakerOptions, nowMs: number): Open {
  return { name: "open", untilMs: nowMs + openForMs };
}

function admits(state: State, nowMs: number): boolean {
  switch (state.name) {
    case "closed":
      return true;
    case "open":
      return nowMs >= state.untilMs;
    case "half-open":
      return nowMs >= state.probeUntilMs;
  }
}

/** The state that follows an outcome of a call begun in `state`; the same object where nothing changes. */
function after(state: Permit, failed: boolean, nowMs: number, options: BreakerOptions): State {
  switch (state.name) {
    case "half-open":
      return failed ? open(options, nowMs) : closed(options);
    case "closed": {
      state.window.record(failed, nowMs);
      if (!failed) return state;
      const { calls, failures } = state.window.totals(nowMs);
      const opens = calls >= options.minCalls && failures >= options.failureRatio * calls;
      return opens ? open(options, nowMs) : state;
    }
  }
}
