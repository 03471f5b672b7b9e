// What signals do to a process that asked for them, and that the others are left alone.

import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";
import { createSignals } from "../../../src/lifecycle/signals.ts";

function fakeProcess(): {
  readonly emitter: EventEmitter;
  readonly exits: number[];
  readonly signals: ReturnType<typeof createSignals>;
} {
  const emitter = new EventEmitter();
  const exits: number[] = [];
  const signals = createSignals({
    on: (signal, listener) => void emitter.on(signal, listener),
    exit: (code) => void exits.push(code),
  });
  return { emitter, exits, signals };
}

describe("signals", () => {
  it.each([
    ["SIGTERM", "SIGTERM"],
    ["SIGTERM", "SIGINT"],
    ["SIGINT", "SIGTERM"],
    ["SIGINT", "SIGINT"],
  ])("the first, %s, drains, the second, %s, ends the process with 1 at once", (first, second) => {
    const { emitter, exits, signals } = fakeProcess();
    let drainCount = 0;
    signals.onTerminate(() => drainCount++);
    emitter.emit(first);
    expect([drainCount, exits]).toEqual([1, []]);
    emitter.emit(second);
    expect([drainCount, exits]).toEqual([1, [1]]);
  });

  it("SIGHUP reloads every time, and never counts as a termination", () => {
    const { emitter, exits, signals } = fakeProcess();
    let reloadCount = 0;
    signals.onTerminate(() => undefined);
    signals.onReload(() => reloadCount++);
    emitter.emit("SIGHUP");
    emitter.emit("SIGHUP");
    emitter.emit("SIGTERM");
    expect([reloadCount, exits]).toEqual([2, []]);
  });

  it.each(["SIGTERM", "SIGINT"])("while a server is loaded %s ends it with 0, SIGHUP does nothing", (signal) => {
    const { emitter, exits, signals } = fakeProcess();
    signals.whileLoading();
    emitter.emit("SIGHUP");
    expect(exits).toEqual([]);
    emitter.emit(signal);
    expect(exits).toEqual([0]);
  });

  it("drain once a server was loaded, the second one ends it with 1", () => {
    const { emitter, exits, signals } = fakeProcess();
    let drainCount = 0;
    signals.whileLoading();
    signals.onTerminate(() => drainCount++);
    emitter.emit("SIGTERM");
    expect([drainCount, exits]).toEqual([1, []]);
    emitter.emit("SIGTERM");
    expect([drainCount, exits]).toEqual([1, [1]]);
  });

  it("that nobody asked for keep their usual effect", () => {
    expect(fakeProcess().emitter.eventNames()).toEqual([]);
  });
});
