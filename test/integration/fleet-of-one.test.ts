// `dev` is a fleet of one: its sidecar is listed and waited for like any other, over the store that it shares with the
// control plane.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../support/command.ts";
import { startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let dev: SidecarUnderTest;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  dev = await startSidecar("store: { type: embedded }\ntiers: { standard: { maxStaleness: 30s } }\n", {
    command: "dev",
  });
  const secret = readFileSync(join(dev.folder, "portcullis.token"), "utf8").trim();
  env = { PORTCULLIS_CONTROL_URL: dev.controlUrl, PORTCULLIS_TOKEN: secret };
  await until("it to be listed", async () => (await fleet()).length === 1);
});
afterAll(() => dev.stop());

async function fleet(): Promise<readonly unknown[]> {
  const headers = { authorization: `Bearer ${env["PORTCULLIS_TOKEN"]}` };
  return (await (await fetch(`${dev.controlUrl}/v1/fleet`, { headers })).json()) as readonly unknown[];
}

test("a revocation that waited for it refuses the next call, though the last one's answer was young enough", async () => {
  for (let i = 0; i < 5; i += 1) {
    const bearer = token({ sub: `user-${i}` });
    expect((await dev.check({ path: "/", token: bearer })).status).toBe(200);
    expect((await dev.check({ path: "/", token: bearer })).metadata["assurance"]).toBe("recent");
    const { code, out } = await run(["revoke", "user", `user-${i}`, "--reason", "r", "--wait", "fleet"], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/ fleet {3}applied on 1 of 1 sidecars in \d+ ms\n$/);
    expect((await dev.check({ path: "/", token: bearer })).status).toBe(401);
  }
  expect(await fleet()).toEqual([expect.objectContaining({ seq: 5, lag_ms: 0, breaker: "closed" })]);
});
