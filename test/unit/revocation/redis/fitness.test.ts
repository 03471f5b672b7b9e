// Trap 23: only a Redis that never evicts is fit.
import { expect, test } from "vitest";
import { fitnessOf } from "../../../../src/revocation/redis/fitness.ts";

const info = (policy: string): string =>
  `# Memory\r\nused_memory:1\r\nmaxmemory:0\r\nmaxmemory_policy:${policy}\r\nx:1\r\n`;

test("only noeviction is fit", () => {
  expect(fitnessOf(info("noeviction"))).toEqual({ state: "fit" });
  for (const policy of [
    "volatile-lru",
    "volatile-ttl",
    "volatile-random",
    "volatile-lfu",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "new",
  ]) {
    expect(fitnessOf(info(policy))).toEqual({ state: "unfit", why: expect.stringContaining(policy) });
  }
});

test("a server that does not tell is neither", () => {
  for (const untold of ["", "# Memory\r\nused_memory:1\r\n", undefined, null, 3]) {
    expect(fitnessOf(untold)).toEqual({ state: "not told" });
  }
});
