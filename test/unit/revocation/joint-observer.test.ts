// What is told of several parts of a store together.
import { expect, test } from "vitest";
import { createJointObserver } from "../../../src/revocation/joint-observer.ts";

test("the store is up while all its parts are, and its breaker is as the worst of theirs", () => {
  const told: unknown[] = [];
  const joint = createJointObserver({
    batchSent: (count) => void told.push(count),
    storeFailed: (cause) => void told.push(cause),
    storeUp: (up) => void told.push(up ? "up" : "down"),
    breakerIs: (state) => void told.push(state),
  });
  const [a, b] = [joint.of("a"), joint.of("b")];
  a.breakerIs("closed");
  b.breakerIs("closed");
  a.storeUp(true);
  b.storeUp(true);
  expect(told.splice(0)).toEqual(["closed", "up"]);
  b.storeUp(false);
  b.breakerIs("open");
  a.storeUp(true);
  expect(told.splice(0)).toEqual(["down", "open"]);
  a.storeFailed("timeout");
  a.batchSent(3);
  b.breakerIs("half-open");
  expect(told.splice(0)).toEqual(["timeout", 3, "half-open"]);
  joint.drop("b");
  expect(told).toEqual(["up", "closed"]);
});
