// Through real Envoys that trace every call: no two Checks of a connection have the same header block then. The spans
// of Envoy and of the sidecar are one trace, and answers are what they are without.
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENVOY_VERSIONS, startEnvoy, type Settings } from "../support/envoy.ts";
import { startGuardedUpstream, type GuardedUpstream } from "../support/guarded-upstream.ts";
import { call } from "../support/http-call.ts";
import { startOtlpReceiver, type OtlpReceiver } from "../support/otlp-receiver.ts";
import type { PortcullisProcess } from "../support/portcullis.ts";
import { until } from "../support/wait.ts";

let guarded: GuardedUpstream;
let receiver: OtlpReceiver;
let sidecar: PortcullisProcess;
beforeAll(async () => {
  [guarded, receiver] = await Promise.all([startGuardedUpstream(), startOtlpReceiver()]);
  sidecar = await guarded.startSidecar({ telemetry: { otlp: receiver.baseUrl } });
});
afterAll(async () => {
  await sidecar.stop();
  await Promise.all([guarded.stop(), receiver.stop()]);
});

const CALLS = 200;
/** Of each Envoy: three of them and a sidecar that traces every call share the machine, and a Check has 150 ms. */
const AT_ONCE = 20;

function tracer(name: string): Settings {
  return {
    random_sampling: { value: 100 },
    spawn_upstream_span: true,
    provider: {
      name: "envoy.tracers.opentelemetry",
      typed_config: {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        service_name: name,
        http_service: {
          http_uri: { uri: `${receiver.baseUrl}/v1/traces`, cluster: "traces", timeout: "1s" },
        },
      },
    },
  };
}

function tracesCluster(): Settings {
  const port = Number(new URL(receiver.baseUrl).port);
  const endpoint = { address: { socket_address: { address: "127.0.0.1", port_value: port } } };
  return {
    name: "traces",
    type: "STATIC",
    load_assignment: { cluster_name: "traces", endpoints: [{ lb_endpoints: [{ endpoint }] }] },
  };
}

// Beside each other: both sides send their spans every five seconds.
test.concurrent.each(ENVOY_VERSIONS)(
  "Envoy %s tracing every call: many at once, each one trace with its Check",
  async (version) => {
    const envoy = await startEnvoy({
      version,
      portcullis: sidecar.grpcPort,
      upstreamPort: guarded.upstream.port,
      edit: ({ connectionManager, bootstrap }) => {
        connectionManager["tracing"] = tracer(`envoy ${version}`);
        (bootstrap["static_resources"] as { readonly clusters: Settings[] }).clusters.push(tracesCluster());
      },
    });
    try {
      const token = await guarded.issuer.sign();
      const isGood = Array.from({ length: CALLS }, (_, at) => at % 4 > 0);
      const statuses: number[] = [];
      for (let from = 0; from < CALLS; from += AT_ONCE) {
        const wave = isGood.slice(from, from + AT_ONCE);
        const answers = await Promise.all(
          wave.map((good) => call(envoy.url, { path: "/api/orders", ...(good ? { token } : {}) })),
        );
        statuses.push(...answers.map(({ status }) => status));
      }
      expect(statuses).toEqual(isGood.map((good) => (good ? 200 : 401)));
      const traced = await until("a Check's span in each of Envoy's traces", () => {
        const ofEnvoy = receiver.spans.filter(({ resource }) => resource["service.name"] === `envoy ${version}`);
        const traces = new Set(ofEnvoy.map(({ traceId }) => traceId));
        const checks = receiver.spans.filter(({ name, traceId }) => name === "check" && traces.has(traceId));
        return checks.length >= CALLS ? { traces, checks } : undefined;
      });
      expect(traced.traces.size).toBe(CALLS);
      expect(traced.checks).toHaveLength(CALLS);
    } finally {
      await envoy.stop();
    }
  },
);
