// How much each caller may ask for, by a clock turned by hand, and that strangers cost bounded memory.
import { expect, test } from "vitest";
import { addressKey, createRateLimiter } from "../../../src/control/rate-limit.ts";

test("a burst goes through, the next one is told how long to wait, and time gives back", () => {
  const limiter = createRateLimiter({ perSecond: 10, burstCount: 3 }, 100);
  expect([0, 0, 0, 0].map(() => limiter.take("a", 1_000))).toEqual([0, 0, 0, 100]);
  expect(limiter.take("a", 1_050)).toBe(50);
  expect(limiter.take("a", 1_100)).toBe(0);
  expect(limiter.take("a", 1_100)).toBe(100);
});

test("being refused costs nothing, or a client that hammers would never get in again", () => {
  const limiter = createRateLimiter({ perSecond: 10, burstCount: 1 }, 100);
  limiter.take("a", 0);
  for (let atMs = 1; atMs < 100; atMs++) expect(limiter.take("a", atMs)).toBeGreaterThan(0);
  expect(limiter.take("a", 100)).toBe(0);
});

test("a pause fills no more than the burst", () => {
  const limiter = createRateLimiter({ perSecond: 10, burstCount: 2 }, 100);
  expect([0, 0, 0].map(() => limiter.take("a", 3_600_000) > 0)).toEqual([false, false, true]);
});

test("one key's greed does not touch another's", () => {
  const limiter = createRateLimiter({ perSecond: 1, burstCount: 1 }, 100);
  limiter.take("a", 0);
  expect(limiter.take("a", 0)).toBeGreaterThan(0);
  expect(limiter.take("b", 0)).toBe(0);
});

test("ever new keys take no more memory than the bound, and push out those longest untouched", () => {
  const limiter = createRateLimiter({ perSecond: 0.001, burstCount: 1 }, 10);
  limiter.take("kept", 0);
  for (let i = 0; i < 1_000; i++) {
    limiter.take(`stranger-${i}`, 0);
    expect(limiter.take("kept", 0)).toBeGreaterThan(0); // still known, though a thousand came after it
  }
  expect(limiter.take("stranger-0", 0)).toBe(0); // forgotten long ago
});

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::1", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["fe80::", "fe80:0:0:0"],
])("the address %s is counted as %s: of IPv6 one host owns a whole /64", (address, key) => {
  expect(addressKey(address)).toBe(key);
});

test("what is given back can be taken again, and never makes more than the burst", () => {
  const limiter = createRateLimiter({ perSecond: 0.001, burstCount: 2 }, 100);
  limiter.giveBack("never seen");
  expect([0, 0, 0].map(() => limiter.take("a", 0) > 0)).toEqual([false, false, true]);
  limiter.giveBack("a");
  expect([0, 0].map(() => limiter.take("a", 0) > 0)).toEqual([false, true]);
  for (let i = 0; i < 5; i += 1) limiter.giveBack("a");
  expect([0, 0, 0].map(() => limiter.take("a", 0) > 0)).toEqual([false, false, true]);
});
