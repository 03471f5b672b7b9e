// A reload that changes what only a restart can must not apply half of it: under another key prefix no marker is found.

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";

let redis: RedisProcess;
let sidecar: SidecarUnderTest;

beforeAll(async () => {
  redis = await startRedis();
  sidecar = await startSidecar(`store: { type: redis, url: "${redis.url}", keyPrefix: "" }\n`);
});

afterAll(async () => {
  await sidecar.stop();
  await redis.stop();
});

test("a revoked token stays refused though the file names another prefix by now", async () => {
  await redis.cli("SET", "revoked:jti:main:stolen", "1");
  const stolen = token({ jti: "stolen" });
  expect((await sidecar.check({ path: "/", token: stolen })).status).toBe(401);
  const text = readFileSync(sidecar.configFile, "utf8");
  writeFileSync(sidecar.configFile, text.replace('keyPrefix: ""', 'keyPrefix: "other:"'));
  await sidecar.process.line(/"event":"config_reloaded"/);
  expect((await sidecar.check({ path: "/", token: stolen })).status).toBe(401);
  // A token that was never seen: nothing but the store can tell.
  await redis.cli("SET", "revoked:jti:main:stolen-too", "1");
  expect((await sidecar.check({ path: "/", token: token({ jti: "stolen-too" }) })).status).toBe(401);
});
