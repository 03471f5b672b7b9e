// Several workers: one address each, and a store that each can ask.

import { expect, test } from "vitest";
import { configWith, problemsWith, warningsWith } from "./support.ts";

const two = "workers: 2\nlisten: { grpc: [127.0.0.1:9001, unix:/run/b.sock] }\n";

test("one thread unless the file says otherwise, whatever the number of addresses", () => {
  expect(configWith("").workerCount).toBe(1);
  expect(configWith("listen: { grpc: [127.0.0.1:9001, 127.0.0.1:9011] }\n").workerCount).toBe(1);
});

test("each worker has one of the addresses", () => {
  const { workerCount, listen } = configWith(two);
  expect([workerCount, listen.grpc.length]).toEqual([2, 2]);
});

const ports = "listen: { grpc: [127.0.0.1:9001, 127.0.0.1:9011] }\n";
test.each([
  ["workers: 2\n", "workers  has 1 of the 2 addresses that 2 workers need"],
  [`workers: 3\n${ports}`, "listen.grpc  has 2 of the 3 addresses that 3 workers need"],
  ["workers: 2\nlisten: { grpc: 127.0.0.1:9001 }\n", "listen.grpc  has 1 of the 2 addresses that 2 workers need"],
  [`workers: 2\n${ports.replace("9011", "9001")}`, "listen.grpc[1]  is"],
  [`${two}store: { type: embedded }\n`, 'store.type  is "embedded": 2 workers cannot share it'],
  [`${two}store: { type: memory }\n`, 'store.type  is "memory": 2 workers cannot share it'],
  ["workers: 0\n", "workers  is the number 0"],
  [`workers: 17\n${ports}`, "workers  is the number 17"],
])("%s is refused", (text, problem) => {
  expect(problemsWith(text).join("\n")).toContain(problem);
});

test("more of them than there are cores are warned of", () => {
  expect(warningsWith(two)).toEqual([]);
  const three = "workers: 3\nlisten: { grpc: [127.0.0.1:9001, 127.0.0.1:9011, 127.0.0.1:9021] }\n";
  expect(warningsWith(three)).toEqual(["workers  more threads than cores here (2)"]);
});

test.each(["", 'store: { url: "redis://h" }\n'])("a relay can feed them, with %j beside it or not", (store) => {
  const relayed = `feed: { type: relay }\ncontrol: { url: "http://c:1", reportToken: ${"t".repeat(32)} }\n`;
  expect(configWith(`${two}${store}${relayed}`)).toMatchObject({ workerCount: 2, feed: { type: "relay" } });
});
