// Through a real Envoy: SIGTERM drains. With a second sidecar no call is lost; with one, none is before the drain's end.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addEndpoint, ENVOY_VERSIONS, startEnvoy } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { keepCalling } from "../support/calls-without-end.ts";
import { call } from "../support/http-call.ts";
import { until } from "../support/wait.ts";

let guarded: GuardedUpstream;
beforeAll(async () => {
  guarded = await startGuardedUpstream();
});
afterAll(() => guarded.stop());

const DRAIN = { drain: { delay: "1s", timeout: "10s" } };

describe.each(ENVOY_VERSIONS)("Envoy %s", (version) => {
  test("a sidecar that is replaced under load loses no call", async () => {
    const [leaving, staying] = await Promise.all([guarded.startSidecar(DRAIN), guarded.startSidecar(DRAIN)]);
    const envoy = await startEnvoy({
      version,
      portcullis: leaving.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ portcullisCluster }) => addEndpoint(portcullisCluster, staying.grpcPort),
    });
    try {
      const calls = keepCalling(envoy.url, await guarded.issuer.sign(), 4);
      await until("calls under way", () => calls.count() > 50);
      leaving.process.signal("SIGTERM");
      expect(await leaving.process.end()).toBe(0);
      const endedAtCount = calls.count();
      await until("calls after its end", () => calls.count() > endedAtCount + 50);
      const answers = await calls.stop();
      const refused = envoy.accessLog().filter((line) => line["status"] !== 200);
      expect({ answers: [...answers.keys()], refused }).toEqual({ answers: ["200"], refused: [] });
    } finally {
      await envoy.stop();
      await Promise.all([leaving.stop(), staying.stop()]);
    }
  });

  test("the only sidecar goes on answering until its drain is over", async () => {
    const sidecar = await guarded.startSidecar(DRAIN);
    const envoy = await startEnvoy({ version, portcullis: sidecar.grpcPort, upstreamPort: guarded.upstream.port });
    try {
      const token = await guarded.issuer.sign();
      sidecar.process.signal("SIGTERM");
      await until(
        "it to say that it drains",
        async () => (await fetch(`${sidecar.opsUrl}/readyz`)).status === 503,
        900,
      );
      expect((await call(envoy.url, { path: "/api/orders", token })).status).toBe(200);
      expect(await sidecar.process.end()).toBe(0);
    } finally {
      await envoy.stop();
      await sidecar.stop();
    }
  });
});
