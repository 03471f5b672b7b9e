// One call is one trace at a real receiver: below the span that Envoy names in the gRPC metadata (trap 13), with the
// steps of the check below that. The checked request's own header counts only where Envoy names none.

import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startJwksServer, serveText, type JwksServer } from "../support/jwks-server.ts";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../support/otlp-receiver.ts";
import { startRedis, type RedisProcess } from "../support/redis-server.ts";
import { JWKS, startSidecar, token, type SidecarUnderTest } from "../support/sidecar.ts";
import { until } from "../support/wait.ts";

let receiver: OtlpReceiver;
let redis: RedisProcess;
let jwks: JwksServer;
let sidecar: SidecarUnderTest;
beforeAll(async () => {
  [receiver, redis, jwks] = await Promise.all([startOtlpReceiver(), startRedis(), startJwksServer(serveText(JWKS))]);
  sidecar = await startSidecar(
    `issuers:
  - { issuer: "https://id.example.com", jwks: { url: "${jwks.url}/jwks" }, audiences: [orders-api], algorithms: [ES256] }
store: { type: redis, url: "${redis.url}" }
routes:
  - { path: /open, anonymous: true, name: front-door }
telemetry: { otlp: "${receiver.baseUrl}", sampleRatio: 0, decisions: { deny: all, allow: all } }
`,
    { env: { OTEL_BSP_SCHEDULE_DELAY: "20" } },
  );
});
afterAll(async () => {
  await sidecar.stop();
  await Promise.all([receiver.stop(), redis.stop(), jwks.stop()]);
});

interface Parent {
  readonly traceId: string;
  readonly spanId: string;
  readonly header: string;
}

function newParent(flags = "01"): Parent {
  const traceId = randomBytes(16).toString("hex");
  const spanId = randomBytes(8).toString("hex");
  return { traceId, spanId, header: `00-${traceId}-${spanId}-${flags}` };
}

/** The spans of a trace, once its check, which ends last, is among them. */
async function spansOf({ traceId }: Parent): Promise<readonly ReceivedSpan[]> {
  const spans = (): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);
  return until("the trace", () => (spans().some(({ name }) => name === "check") ? spans() : undefined));
}

/** `name < name of its parent`, sorted; what is not of this process is named by its id. */
function tree(spans: readonly ReceivedSpan[]): readonly string[] {
  const nameOf = (id: string): string => spans.find(({ spanId }) => spanId === id)?.name ?? id;
  return spans.map(({ name, parentSpanId }) => `${name} < ${nameOf(parentSpanId)}`).toSorted();
}

test("a call of Envoy's is one trace: verification and look-up below the check, the check below Envoy's span", async () => {
  const envoy = newParent();
  const { status } = await sidecar.check({
    path: "/api",
    token: token(),
    metadata: { traceparent: envoy.header, tracestate: "v=1" },
  });
  expect(status).toBe(200);
  const spans = await spansOf(envoy);
  expect(tree(spans)).toEqual([`check < ${envoy.spanId}`, "store look-up < check", "verify < check"]);
  const check = spans.find(({ name }) => name === "check");
  expect(check?.traceState).toBe("v=1");
  expect(check?.attributes).toEqual({
    "portcullis.decision": "allow",
    "portcullis.reason": "ok",
    "portcullis.tier": "critical",
    "portcullis.assurance": "live",
  });
});

test("a key that is fetched for a call is a span of its verification", async () => {
  const envoy = newParent();
  const asked = { path: "/api", token: token({}, { kid: "not-yet-known" }), metadata: { traceparent: envoy.header } };
  expect((await sidecar.check(asked)).metadata).toMatchObject({ reason: "unknown_key" });
  const spans = await spansOf(envoy);
  expect(tree(spans)).toEqual([`check < ${envoy.spanId}`, "jwks fetch < verify", "verify < check"]);
  const failed = spans
    .filter(({ statusCode }) => statusCode === 2)
    .map(({ name, statusMessage }) => `${name}: ${statusMessage}`);
  expect(failed.toSorted()).toEqual(["jwks fetch: unknown_key", "verify: unknown_key"]);
});

test("a store that does not answer is told by its span", async () => {
  redis.pause();
  const envoy = newParent();
  try {
    await sidecar.check({ path: "/api", token: token(), metadata: { traceparent: envoy.header } });
  } finally {
    redis.resume();
  }
  const lookUp = (await spansOf(envoy)).find(({ name }) => name === "store look-up");
  expect(lookUp).toMatchObject({
    statusCode: 2,
    statusMessage: expect.stringMatching(/^(timeout|deadline|breaker_open)$/),
  });
  await until(
    "the store to be back",
    async () => (await sidecar.check({ path: "/api", token: token() })).status === 200,
  );
});

test("an anonymous call is a trace of one span, with the rule's name", async () => {
  const envoy = newParent();
  await sidecar.check({ path: "/open", metadata: { traceparent: envoy.header } });
  const spans = await spansOf(envoy);
  expect(tree(spans)).toEqual([`check < ${envoy.spanId}`]);
  expect(spans[0]?.attributes).toMatchObject({ "portcullis.rule": "front-door", "portcullis.assurance": "anonymous" });
});

test("the request's own traceparent is second: it counts where Envoy names none, and never beside Envoy's", async () => {
  const own = newParent();
  const envoy = newParent();
  await sidecar.check({ path: "/open", headers: { traceparent: own.header } });
  expect(tree(await spansOf(own))).toEqual([`check < ${own.spanId}`]);
  const other = newParent();
  await sidecar.check({
    path: "/open",
    headers: { traceparent: other.header },
    metadata: { traceparent: envoy.header },
  });
  expect(tree(await spansOf(envoy))).toEqual([`check < ${envoy.spanId}`]);
  expect(receiver.spans.some(({ traceId }) => traceId === other.traceId)).toBe(false);
});

test("what Envoy did not sample is not sampled, whatever the request says", async () => {
  const unsampled = newParent("00");
  const own = newParent();
  await sidecar.check({
    path: "/open",
    headers: { traceparent: own.header },
    metadata: { traceparent: unsampled.header },
  });
  const last = newParent();
  await sidecar.check({ path: "/open", metadata: { traceparent: last.header } });
  await spansOf(last);
  const traces = receiver.spans.map(({ traceId }) => traceId);
  expect(traces).not.toContain(unsampled.traceId);
  expect(traces).not.toContain(own.traceId);
});

test("a logged decision and the duration's exemplar name the trace", async () => {
  const envoy = newParent();
  await sidecar.check({ path: "/api", token: token(), metadata: { traceparent: envoy.header } });
  const [line] = await sidecar.process.line(new RegExp(`\\{.*"trace_id":"${envoy.traceId}".*`));
  expect(JSON.parse(line)).toMatchObject({ event: "decision", decision: "allow" });
  const headers = { accept: "application/openmetrics-text; version=1.0.0" };
  const metrics = await (await fetch(`${sidecar.opsUrl}/metrics`, { headers })).text();
  expect(metrics).toContain(`trace_id="${envoy.traceId}"`);
});
