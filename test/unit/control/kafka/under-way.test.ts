// An offset is committed only once every record before it is done.
import { expect, test } from "vitest";
import { UnderWay, type Place } from "../../../../src/control/kafka/under-way.ts";

const place = (partition: number, offset: bigint): Place => ({ topic: "t", partition, offset, leaderEpoch: 0 });

test("nothing is reached beyond a record that is not done, whatever is done after it", () => {
  const underWay = new UnderWay();
  const [first, second, third] = [place(0, 5n), place(1, 9n), place(0, 6n)].map((one) => underWay.begin(one));
  expect(second?.()).toBe(false);
  expect(third?.()).toBe(false);
  expect(underWay.takeReached()).toEqual([]);
  expect(underWay.count).toBe(3);
  expect(first?.()).toBe(true);
  expect(underWay.takeReached()).toEqual([place(0, 6n), place(1, 9n)]);
  expect(underWay.takeReached()).toEqual([]);
  expect(underWay.count).toBe(0);
});
