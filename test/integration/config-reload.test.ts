// A real sidecar whose file changes under it: a good one is in force soon, a bad one never (trap 35).

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

const YAML = `store: { type: memory }
routes:
  - { path: /open, anonymous: true }
`;

let sidecar: SidecarUnderTest;
let good: string;
beforeAll(async () => {
  sidecar = await startSidecar(YAML);
  good = readFileSync(sidecar.configFile, "utf8");
});
afterAll(() => sidecar.stop());

const reloads = (result: "ok" | "refused"): Promise<number> =>
  sidecar.metric(`portcullis_config_reload_total{result="${result}"}`);

async function change(text: string, result: "ok" | "refused"): Promise<void> {
  const before = await reloads(result);
  writeFileSync(sidecar.configFile, text);
  await until(`the change to be ${result}`, async () => (await reloads(result)) > before);
}

async function statusOf(path: string): Promise<number> {
  return (await sidecar.check({ path })).status;
}

beforeEach(async () => {
  if (readFileSync(sidecar.configFile, "utf8") !== good) await change(good, "ok");
});

test("a changed file is in force without a signal, and tokens are as good as before", async () => {
  expect([await statusOf("/open"), await statusOf("/new")]).toEqual([200, 401]);
  await change(good.replace("/open", "/new"), "ok");
  expect([await statusOf("/open"), await statusOf("/new")]).toEqual([401, 200]);
  expect((await sidecar.check({ path: "/open", token: token() })).status).toBe(200);
});

test.each([
  ["a key that nobody knows", (text: string) => `${text}deadlin: 1s\n`, /deadlin {2}is no known key/],
  ["no YAML at all", (text: string) => `${text}{{{`, /config_refused/],
  ["nothing in it", () => "", /issuers {2}is missing/],
])("a file with %s is refused with its problems, and the old one stays", async (_what, broken, problem) => {
  await change(broken(good), "refused");
  await sidecar.process.line(problem);
  expect([await statusOf("/open"), await statusOf("/new")]).toEqual([200, 401]);
  expect((await fetch(`${sidecar.opsUrl}/readyz`)).status).toBe(200);
});

test("SIGHUP reads the file again, though its text is the same", async () => {
  const before = await reloads("ok");
  sidecar.process.signal("SIGHUP");
  await until("a reload", async () => (await reloads("ok")) > before);
  expect(await statusOf("/open")).toBe(200);
});

test("what only a restart can change is told by name", async () => {
  await change(good.replace("{ type: memory }", "{ type: memory, timeout: 60ms }"), "ok");
  const [, part] = await sidecar.process.line(/"part":"(\w+)","event":"config_change_needs_restart"/);
  expect(part).toBe("store");
});
