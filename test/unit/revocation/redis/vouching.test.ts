// Which server is believed, and for how long one is doubted that nobody vouches for.
import { beforeEach, expect, test } from "vitest";
import { Vouching } from "../../../../src/revocation/redis/vouching.ts";

let believedCount: number;
let vouching: Vouching;

beforeEach(() => {
  believedCount = 0;
  vouching = new Vouching(() => (believedCount += 1));
  vouching.meet("a");
});

const asked = (vouchedFor: string | null, keeper: string | null, atMs: number): boolean =>
  vouching.isWhole(vouchedFor, keeper, atMs, atMs);

test("where no control plane ever ran nobody is doubted, whatever server answers", () => {
  expect(asked(null, null, 0)).toBe(true);
  vouching.meet("b");
  expect(asked(null, null, 1)).toBe(true);
  expect(believedCount).toBe(0);
});

test("the server vouched for is believed, and another not while a control plane is there, however long", () => {
  expect(asked("a", "1", 0)).toBe(true);
  vouching.meet("b");
  expect(asked("a", "1", 1)).toBe(false);
  expect(asked("a", "1", 1_000_000)).toBe(false);
  expect(asked("b", "1", 1_000_001)).toBe(true);
  expect(believedCount).toBe(0);
});

test("a control plane whose sign is gone has 2 s to come back on a connection, and then the server is believed", () => {
  expect(asked("a", "1", 0)).toBe(true);
  vouching.meet("b");
  expect(asked("a", null, 10_000)).toBe(false);
  expect(asked("a", null, 11_999)).toBe(false);
  vouching.meet("b");
  expect(asked("a", null, 12_001)).toBe(false);
  expect(asked("a", null, 14_000)).toBe(false);
  expect(asked("a", null, 14_001)).toBe(true);
  expect(asked("a", null, 14_002)).toBe(true);
  expect(believedCount).toBe(1);
});

test("a server that is believed is doubted again once a control plane shows", () => {
  expect(asked("other", null, 0)).toBe(false);
  expect(asked("other", null, 2_000)).toBe(true);
  expect(asked("other", "1", 2_001)).toBe(false);
  expect(asked("other", null, 4_000)).toBe(false);
  expect(asked("other", null, 4_001)).toBe(true);
  expect(believedCount).toBe(2);
});

test("where no control plane was there at the last answer nobody is waited for", () => {
  expect(asked("a", null, 0)).toBe(true);
  expect(asked(null, null, 1)).toBe(true);
  expect(believedCount).toBe(1);
  vouching.meet("b");
  expect(asked("a", null, 2)).toBe(true);
  expect(believedCount).toBe(2);
});

test("an answer that lay in its socket counts by when it was asked for", () => {
  expect(vouching.isWhole("other", null, 0, 5_000)).toBe(false);
  expect(vouching.isWhole("other", null, 6_999, 20_000)).toBe(false);
  expect(vouching.isWhole("other", null, 7_000, 20_000)).toBe(true);
});
