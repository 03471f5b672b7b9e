// What an operator sees in a real OpenTelemetry Collector of one call through a real Envoy: one trace, from Envoy over the
// sidecar's Check to the look-up in Redis, each below the one that asked for it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  COLLECTOR,
  startCollector,
  WHY_NO_COLLECTOR,
  type CollectedSpan,
  type Collector,
} from "../support/collector.ts";
import { NEWEST_ENVOY, startEnvoy, type EnvoyProcess, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call } from "../support/http-call.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";
import { startProcess } from "../support/process.ts";
import { until } from "../support/wait.ts";

/** As in docs/operations.md, but that every call is traced. */
const TRACING: Settings = {
  random_sampling: { value: 100 },
  provider: {
    name: "envoy.tracers.opentelemetry",
    typed_config: {
      "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
      service_name: "edge",
      grpc_service: { envoy_grpc: { cluster_name: "collector" }, timeout: "1s" },
    },
  },
};

function collectorCluster(port: number): Settings {
  const endpoint = { address: { socket_address: { address: "127.0.0.1", port_value: port } } };
  return {
    name: "collector",
    type: "STATIC",
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
    load_assignment: { cluster_name: "collector", endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

const TO_THE_CHECK = [
  "edge: ingress",
  "edge: async envoy.service.auth.v3.Authorization.Check egress",
  "portcullis: check",
];

describe.skipIf(WHY_NO_COLLECTOR !== "")(`a real collector${WHY_NO_COLLECTOR}`, () => {
  let guarded: GuardedUpstream;
  let collector: Collector;
  let sidecar: PortcullisProcess;
  let envoy: EnvoyProcess;
  beforeAll(async () => {
    [guarded, collector] = await Promise.all([startGuardedUpstream(), startCollector()]);
    sidecar = await guarded.startSidecar({ telemetry: { otlp: collector.httpUrl, sampleRatio: 0 } });
    envoy = await startEnvoy({
      version: NEWEST_ENVOY,
      portcullis: sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit({ connectionManager, bootstrap }) {
        connectionManager["tracing"] = TRACING;
        const { clusters } = bootstrap["static_resources"] as { readonly clusters: Settings[] };
        clusters.push(collectorCluster(collector.grpcPort));
      },
    });
  });
  afterAll(async () => {
    await envoy.stop();
    await sidecar.stop();
    await Promise.all([guarded.stop(), collector.stop()]);
  });

  test("a call is one trace: Envoy's span, its question, the Check, and the look-up in Redis", async () => {
    const answer = await call(envoy.url, { path: "/critical/asked", token: await guarded.issuer.sign() });
    expect(answer.status).toBe(200);
    const path = await until("the whole trace", () => pathTo("store look-up", "/critical/asked"), 30_000);
    expect(path.map(({ service, name }) => `${service}: ${name}`)).toEqual([
      ...TO_THE_CHECK,
      "portcullis: store look-up",
    ]);
    expect(new Set(path.map(({ traceId }) => traceId)).size).toBe(1);
    expect(path[0]?.parentSpanId ?? "").toBe("");
    expect(path[2]?.attributes).toMatchObject({ "portcullis.decision": "allow", "portcullis.assurance": "live" });
  });

  test("a call that is refused without asking Redis has a trace that ends with the Check, and says why", async () => {
    expect((await call(envoy.url, { path: "/critical/not-asked" })).status).toBe(401);
    const path = await until("the whole trace", () => pathTo("check", "/critical/not-asked"), 30_000);
    expect(path.map(({ service, name }) => `${service}: ${name}`)).toEqual(TO_THE_CHECK);
    expect(path[2]?.attributes).toMatchObject({ "portcullis.decision": "deny", "portcullis.reason": "missing_token" });
    const ofTrace = (await collector.spans()).filter(({ traceId }) => traceId === path[0]?.traceId);
    expect(ofTrace.map(({ name }) => name)).not.toContain("store look-up");
  });

  test("takes the configuration that docker-compose.yml gives it", async () => {
    const checked = startProcess(COLLECTOR, ["validate", "--config", "deploy/otel/collector.yaml"]);
    expect(await checked.end(), checked.output()).toBe(0);
  });

  /** From the root of the trace of the call for `url` down to its span of this name; undefined: not all is there yet. */
  async function pathTo(name: string, url: string): Promise<readonly CollectedSpan[] | undefined> {
    const spans = await collector.spans();
    const root = spans.find((span) => span.name === "ingress" && span.attributes["http.url"]?.endsWith(url) === true);
    const path: CollectedSpan[] = [];
    let next = spans.find((span) => span.traceId === root?.traceId && span.name === name);
    while (next !== undefined) {
      const { parentSpanId } = next;
      path.unshift(next);
      next = spans.find(({ spanId }) => spanId === parentSpanId);
    }
    return root !== undefined && path[0] === root ? path : undefined;
  }
});
