// Trap 36: fail-open that nobody sees. What an operator reads in the log while the store is out.
import { afterEach, expect, test } from "vitest";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let redis: RedisProcess;
let sidecar: SidecarUnderTest;

afterEach(async () => {
  await sidecar.stop();
  await redis.stop();
});

interface Line {
  readonly level: string;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** The operational lines of these events so far. */
function lines(...events: readonly string[]): Line[] {
  const all = sidecar.process
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line);
  return all.filter(({ event }) => events.includes(event));
}

test("an outage of the store is told when it begins and when it ends, and so are calls that pass meanwhile", async () => {
  redis = await startRedis();
  sidecar = await startSidecar(
    `store: { url: "${redis.url}" }\nfeed: { type: none }\nroutes: [{ path: /low/**, tier: low }]\n`,
  );
  const known = token();
  expect((await sidecar.check({ path: "/low/a", token: known })).metadata["assurance"]).toBe("live");
  expect(lines("store_down", "store_up", "fail_open_active")).toEqual([]);

  await redis.kill();
  await until("the outage told", () => lines("store_down").length > 0);
  for (let call = 0; call < 5; call++) {
    expect((await sidecar.check({ path: "/low/a", token: token() })).metadata["assurance"]).toBe("fail-open");
  }
  await until("fail-open told", () => lines("fail_open_active").length > 0);
  expect(lines("store_down", "fail_open_active")).toEqual([
    expect.objectContaining({ level: "warn", event: "store_down", cause: expect.stringMatching(/connect/) }),
    expect.objectContaining({ level: "warn", event: "fail_open_active", tier: "low", count: 1 }),
  ]);

  await redis.restart();
  await until("the end told", () => lines("store_up").length > 0);
  expect(lines("store_up")).toEqual([
    expect.objectContaining({ level: "info", event: "store_up", down_for_ms: expect.any(Number) }),
  ]);
});
