// Through real Envoys: who is let in when something is out is Portcullis' decision, never Envoy's failure_mode_allow; and
// where Portcullis cannot say anything, the reference configuration refuses.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type EnvoyProcess } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call, echoedHeader } from "../support/http-call.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

let guarded: GuardedUpstream;
let withoutReplica: PortcullisProcess;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
  withoutReplica = await guarded.startSidecar({ feed: { type: "none" } });
});
afterAll(async () => {
  await withoutReplica.stop();
  await guarded.stop();
});

describe.each(ENVOY_VERSIONS)("Envoy %s with failure_mode_allow true", (version) => {
  let envoy: EnvoyProcess;
  beforeEach(async () => {
    envoy = await startEnvoy({
      version,
      portcullis: withoutReplica.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ extAuthz }) => {
        extAuthz["failure_mode_allow"] = true;
      },
    });
  });
  afterEach(async () => {
    guarded.redis.resume();
    await envoy.stop();
  });

  test("a paused Redis makes the critical tier refuse with 503, in Portcullis' own words", async () => {
    const token = await guarded.issuer.sign();
    guarded.redis.pause();
    const callCount = guarded.upstream.callCount;
    const answer = await call(envoy.url, { path: "/critical/x", token });
    expect(answer.status).toBe(503);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.headers["retry-after"]).toMatch(/^\d+$/);
    expect(guarded.upstream.callCount).toBe(callCount);
    await expect
      .poll(() => envoy.accessLog())
      .toContainEqual(expect.objectContaining({ decision: "deny", reason: "revocation_unavailable", status: 503 }));
  });

  test("meanwhile the low tier lets a known token in, marked for the upstream", async () => {
    const token = await guarded.issuer.sign();
    // The outage of the test before may have left the breaker open: begin with a store that answers.
    await until(
      "the store to answer",
      async () => (await call(envoy.url, { path: "/critical/x", token })).status === 200,
    );
    guarded.redis.pause();
    const fresh = await guarded.issuer.sign();
    const answer = await call(envoy.url, { path: "/api/orders", token: fresh });
    expect(echoedHeader(answer, "x-auth-assurance")).toEqual(["fail-open"]);
  });
});

describe.each(ENVOY_VERSIONS)("Envoy %s as the reference has it", (version) => {
  test("refuses with 503 when nobody answers for the sidecar, and lets in again when it is back", async () => {
    const sidecar = await guarded.startSidecar();
    const envoy = await startEnvoy({ version, portcullis: sidecar.grpcPort, upstreamPort: guarded.upstream.port });
    const token = await guarded.issuer.sign();
    try {
      expect((await call(envoy.url, { path: "/api/orders", token })).status).toBe(200);
      sidecar.process.signal("SIGSTOP");
      const callCount = guarded.upstream.callCount;
      expect((await call(envoy.url, { path: "/api/orders", token })).status).toBe(503);
      expect((await call(envoy.url, { path: "/public/logo.svg" })).status).toBe(503);
      expect(guarded.upstream.callCount).toBe(callCount);
      sidecar.process.signal("SIGCONT");
      await until("an allow", async () => (await call(envoy.url, { path: "/api/orders", token })).status === 200);
      await sidecar.stop();
      expect((await call(envoy.url, { path: "/api/orders", token })).status).toBe(503);
    } finally {
      await envoy.stop();
      await sidecar.stop();
    }
  });
});
