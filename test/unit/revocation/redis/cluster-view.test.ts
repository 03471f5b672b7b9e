// What a node of a Cluster says of it: read whole, or not at all.
import { expect, test } from "vitest";
import { readView } from "../../../../src/revocation/redis/cluster-view.ts";

const asked = { host: "10.0.0.9", port: 7 };
const INFO = "cluster_state:ok\r\ncluster_current_epoch:12\r\ncluster_my_epoch:3\r\n";

test("a view names the primary of each slot, and none where nobody holds it", () => {
  const slots = [
    [0, 1, ["10.0.0.1", 7000, "id", []], ["10.0.0.2", 7001, "id", []]],
    [3, 16_383, ["", 7002, "id", []]],
  ];
  const view = readView(asked, slots, INFO);
  expect(view?.epoch).toBe(12);
  expect(view?.owners.length).toBe(16_384);
  expect(view?.owners.slice(0, 4)).toEqual([
    { host: "10.0.0.1", port: 7000 },
    { host: "10.0.0.1", port: 7000 },
    undefined,
    { host: "10.0.0.9", port: 7002 },
  ]);
});

test.each([
  ["no epoch", [], "cluster_state:ok"],
  ["no text", [], 7],
  ["no list", "OK", INFO],
  ["a range without a primary", [[0, 1]], INFO],
  ["a primary without a port", [[0, 1, ["h"]]], INFO],
  ["a range of texts", [["0", "1", ["h", 1]]], INFO],
])("%s is no view", (_, slots, info) => expect(readView(asked, slots, info)).toBeUndefined());
