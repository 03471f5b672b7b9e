// Starting in order, stopping in reverse, each with a deadline: what runs at the end is what should.

import { describe, expect, it, vi } from "vitest";
import type { Log } from "../../../src/core/log.ts";
import { createLifecycle, type Part } from "../../../src/lifecycle/lifecycle.ts";

const LOG: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** Parts that write down what happens to them. */
function recorder(): { readonly seen: string[]; readonly part: (name: string, overrides?: Partial<Part>) => Part } {
  const seen: string[] = [];
  const part = (name: string, overrides: Partial<Part> = {}): Part => ({
    name,
    start: async () => void seen.push(`start ${name}`),
    stop: async () => void seen.push(`stop ${name}`),
    startTimeoutMs: 5_000,
    stopTimeoutMs: 5_000,
    ...overrides,
  });
  return { seen, part };
}

/** A promise and its ends. */
function open(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

describe("a lifecycle", () => {
  it("starts in order and stops in reverse", async () => {
    const { seen, part } = recorder();
    const lifecycle = createLifecycle([part("a"), part("b"), part("c")], LOG);
    expect(await lifecycle.start()).toEqual({ ok: true, value: undefined });
    expect(await lifecycle.stop()).toEqual([]);
    expect(seen).toEqual(["start a", "start b", "start c", "stop c", "stop b", "stop a"]);
  });

  it.each([
    [
      "rejects",
      async (): Promise<void> => {
        throw new Error("port taken");
      },
    ],
    [
      "throws",
      (): Promise<void> => {
        throw new Error("port taken");
      },
    ],
  ])("stops what runs when a start %s, and names the part", async (_, start) => {
    const { seen, part } = recorder();
    const lifecycle = createLifecycle([part("a"), part("b", { start }), part("c")], LOG);
    expect(await lifecycle.start()).toEqual({ ok: false, error: { part: "b", cause: "failed", detail: "port taken" } });
    expect(seen).toEqual(["start a", "stop a"]);
    expect(await lifecycle.stop()).toEqual([]);
  });

  it("stops a part whose start came too late", async () => {
    const { seen, part } = recorder();
    const gate = open();
    const lifecycle = createLifecycle([part("a"), part("slow", { start: () => gate.promise, startTimeoutMs: 1 })], LOG);
    expect(await lifecycle.start()).toMatchObject({ ok: false, error: { part: "slow", cause: "timeout" } });
    expect(seen).toEqual(["start a", "stop a"]);
    gate.resolve();
    await vi.waitFor(() => expect(seen).toEqual(["start a", "stop a", "stop slow"]));
  });

  it("goes on stopping when a part fails to stop or is late, and says so", async () => {
    const { seen, part } = recorder();
    const errors: string[] = [];
    const lifecycle = createLifecycle(
      [
        part("a"),
        part("late", { stop: () => new Promise(() => undefined), stopTimeoutMs: 1 }),
        part("bad", {
          stop: async () => {
            throw new Error("no");
          },
        }),
      ],
      { ...LOG, error: (event, fields) => void errors.push(`${event} ${String(fields?.["part"])}`) },
    );
    await lifecycle.start();
    expect(await lifecycle.stop()).toEqual([
      { part: "bad", cause: "failed", detail: "no" },
      { part: "late", cause: "timeout", detail: "took longer than it may" },
    ]);
    expect(seen.at(-1)).toBe("stop a");
    expect(errors).toEqual(["part_not_stopped bad", "part_not_stopped late"]);
  });

  it("that is stopped while it starts, starts no further part and stops those that run", async () => {
    const { seen, part } = recorder();
    const gate = open();
    const reached = open();
    const start = (): Promise<void> => {
      reached.resolve();
      return gate.promise;
    };
    const lifecycle = createLifecycle([part("a"), part("b", { start }), part("c")], LOG);
    const started = lifecycle.start();
    await reached.promise;
    const stopped = lifecycle.stop();
    gate.resolve();
    expect(await started).toMatchObject({ ok: false, error: { part: "c" } });
    expect(await stopped).toEqual([]);
    expect(seen).toEqual(["start a", "stop b", "stop a"]);
  });

  it("that is stopped twice stops its parts once", async () => {
    const { seen, part } = recorder();
    const lifecycle = createLifecycle([part("a")], LOG);
    await lifecycle.start();
    const [first, second] = [lifecycle.stop(), lifecycle.stop()];
    expect(first).toBe(second);
    await first;
    expect(seen).toEqual(["start a", "stop a"]);
  });

  it("leaves no timer behind", async () => {
    vi.useFakeTimers();
    try {
      const { part } = recorder();
      const lifecycle = createLifecycle([part("a"), part("b")], LOG);
      await lifecycle.start();
      await lifecycle.stop();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });
});
