// The reference configuration itself: every packaged Envoy takes it, and what its comments promise holds.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoed, echoedHeader } from "../support/http-call.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

describe.each(ENVOY_VERSIONS)("Envoy %s", (version) => {
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    envoy = await startEnvoy({ version, portcullis: guarded.sidecar.grpcPort, upstreamPort: guarded.upstream.port });
  });
  afterAll(() => envoy.stop());

  const validate = (...config: readonly string[]): string =>
    execFileSync(
      resolve(".cache/envoy", version, "envoy"),
      ["--mode", "validate", "--use-dynamic-base-id", ...config],
      { encoding: "utf8", stdio: "pipe" },
    );

  test("validates envoy/envoy.yaml as it stands", () => {
    expect(validate("-c", "envoy/envoy.yaml")).toContain("OK");
  });

  test("validates it with the second worker's address, too", () => {
    const asItStands = readFileSync("envoy/envoy.yaml", "utf8");
    const both = asItStands.replace(/# (?=- endpoint: .*port_value: 9011)/, "");
    expect(both).not.toBe(asItStands);
    expect(validate("--config-yaml", both)).toContain("OK");
  });

  test("takes no stranger's word for its own: x-envoy-* headers do not reach the upstream", async () => {
    const headers = [
      ["x-envoy-original-path", "/public/x"],
      ["x-envoy-upstream-rq-timeout-ms", "1"],
      ["x-envoy-retry-on", "5xx"],
      ["x-envoy-internal", "true"],
    ] as const;
    const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign(), headers });
    for (const [name, value] of headers) expect(echoedHeader(answer, name)).not.toContain(value);
  });

  test("drops headers with underscores", async () => {
    const headers = [
      ["x_tag", "1"],
      ["x-tag", "2"],
    ] as const;
    const answer = await call(envoy.url, { path: "/api/orders", token: await guarded.issuer.sign(), headers });
    expect(echoedHeader(answer, "x_tag")).toEqual([]);
    expect(echoedHeader(answer, "x-tag")).toEqual(["2"]);
  });

  test("tells the sidecar and the upstream one and the same path", async () => {
    const answer = await call(envoy.url, { path: "/api//a/../orders", token: await guarded.issuer.sign() });
    expect(echoed(answer).path).toBe("/api/orders");
  });

  test("finds the sidecar healthy by gRPC health", async () => {
    await expect.poll(() => envoy.stat("cluster.portcullis.membership_healthy")).toBe(1);
    await expect.poll(() => envoy.stat("cluster.portcullis.health_check.success")).toBeGreaterThan(0);
    expect(await envoy.stat("cluster.portcullis.health_check.failure")).toBe(0);
  });
});
