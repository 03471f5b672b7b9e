// Who a relay keeps a place for: whoever still asks.

import { expect, test } from "vitest";
import { err } from "../../../../src/core/result.ts";
import { createRelay } from "../../../../src/revocation/relay/relay.ts";
import type { EndCause } from "../../../../src/revocation/relay/subscription.ts";

test("a follower that went without a word loses its place, and one that asks keeps it", async () => {
  const out = err({ cause: "disconnected", detail: "out" } as const);
  let nowMs = 1_000;
  let beat: () => void = () => undefined;
  let count = 0;
  const relay = createRelay({
    source: {
      start: () => undefined,
      stop: async () => undefined,
      read: async () => out,
      entriesAfter: async () => out,
      scan: async () => out,
      provePush: async () => false,
    },
    keyPrefix: "",
    clock: { now: () => ({ monotonicMs: nowMs, wallMs: nowMs }) },
    schedule: {
      immediate: (task) => void setImmediate(task),
      every(_periodMs, task) {
        beat = task;
        return () => undefined;
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    random: () => 0,
    scanEveryMs: 10_000,
    directWriters: true,
    onCount: (followers) => void (count = followers),
  });
  const ended: (EndCause | undefined)[] = [undefined, undefined];
  const follow = (i: number) =>
    relay.follow({ send: () => undefined, end: (cause) => void (ended[i] = cause) }, undefined);
  follow(0);
  const asking = follow(1);
  for (let second = 0; second < 60; second += 1) {
    nowMs += 1_000;
    asking.asked(second);
    beat();
    if (second === 20) expect(count).toBe(2);
  }
  expect([count, ...ended]).toEqual([1, "too slow", undefined]);
  await relay.stop();
});
