// Spans as a real OTLP receiver gets them: the tree of a call, who decides on sampling, what OTEL_* may not switch on,
// and that a receiver which fails costs spans only.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LogFields } from "../../src/core/log.ts";
import { startTracing, type Tracing, type TracingOptions } from "../../src/telemetry/tracing.ts";
import { startOtlpReceiver, type OtlpReceiver } from "../support/otlp-receiver.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const ENVOYS_SPAN = "b7ad6b7169203331";
const SAMPLED = `00-${TRACE}-${ENVOYS_SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${ENVOYS_SPAN}-00`;

let receiver: OtlpReceiver;
let tracing: Tracing | undefined;
let lines: { event: string; fields: LogFields | undefined }[];

beforeEach(async () => {
  receiver = await startOtlpReceiver();
  lines = [];
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await tracing?.stop();
  tracing = undefined;
  await receiver.stop();
});

async function start(changes: Partial<TracingOptions> = {}): Promise<Tracing> {
  const line = (event: string, fields?: LogFields): void => void lines.push({ event, fields });
  tracing = await startTracing({
    otlpBaseUrl: receiver.baseUrl,
    sampleRatio: 0,
    serviceVersion: "1.2.3",
    log: { info: line, warn: line, error: line },
    random: Math.random,
    ...changes,
  });
  return tracing;
}

describe("a sampled call", () => {
  test("is one trace at the receiver: Envoy's span, check below it, its steps below that", async () => {
    const running = await start();
    const check = running.start("check", { traceparent: SAMPLED, tracestate: "vendor=value" });
    check?.child("verify").end();
    const lookUp = check?.child("store look-up");
    lookUp?.set("portcullis.key_count", 7);
    lookUp?.child("deeper").end();
    lookUp?.fail("timeout");
    lookUp?.end();
    check?.set("portcullis.decision", "deny");
    check?.end();
    expect(check?.traceId).toBe(TRACE);
    await running.stop();

    const named = new Map(receiver.spans.map((span) => [span.name, span]));
    expect([...named.keys()].toSorted()).toEqual(["check", "deeper", "store look-up", "verify"]);
    for (const span of receiver.spans) expect(span.traceId).toBe(TRACE);
    const checkId = named.get("check")?.spanId;
    expect(named.get("check")).toMatchObject({ parentSpanId: ENVOYS_SPAN, traceState: "vendor=value", kind: 2 });
    expect(named.get("check")?.attributes).toEqual({ "portcullis.decision": "deny" });
    expect(named.get("verify")).toMatchObject({ parentSpanId: checkId, statusCode: 0 });
    expect(named.get("store look-up")).toMatchObject({
      parentSpanId: checkId,
      statusCode: 2,
      statusMessage: "timeout",
    });
    expect(named.get("store look-up")?.attributes).toEqual({ "portcullis.key_count": 7 });
    expect(named.get("deeper")?.parentSpanId).toBe(named.get("store look-up")?.spanId);
    expect(named.get("check")?.resource).toMatchObject({ "service.name": "portcullis", "service.version": "1.2.3" });
  });

  test("without a parent is a trace of its own", async () => {
    const running = await start({ sampleRatio: 0.5, random: () => 0.4 });
    const span = running.start("check", { traceparent: undefined, tracestate: undefined });
    span?.end();
    await running.stop();
    expect(receiver.spans).toMatchObject([{ name: "check", traceId: span?.traceId, parentSpanId: "" }]);
    expect(span?.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
  });
});

describe("sampling", () => {
  test("the parent's flag counts, whatever the ratio", async () => {
    const running = await start({ sampleRatio: 1 });
    expect(running.start("check", { traceparent: UNSAMPLED, tracestate: undefined })).toBeUndefined();
    await running.stop();
    const never = await start({ sampleRatio: 0 });
    expect(never.start("check", { traceparent: SAMPLED, tracestate: undefined })).toBeDefined();
    expect(never.start("check", { traceparent: undefined, tracestate: undefined })).toBeUndefined();
  });

  test("an invalid parent is none: the ratio counts, and the trace is a new one", async () => {
    const running = await start({ sampleRatio: 1 });
    const span = running.start("check", {
      traceparent: `00-${TRACE.toUpperCase()}-${ENVOYS_SPAN}-01`,
      tracestate: undefined,
    });
    expect(span).toBeDefined();
    expect(span?.traceId).not.toBe(TRACE);
  });

  test("without a receiver nothing is sampled", async () => {
    const running = await start({ otlpBaseUrl: undefined, sampleRatio: 1 });
    expect(running.start("check", { traceparent: SAMPLED, tracestate: undefined })).toBeUndefined();
  });
});

describe("what the environment says", () => {
  test("OTEL_* opens no exporter of metrics or logs, and turns no sampled call away", async () => {
    const elsewhere = await startOtlpReceiver();
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", elsewhere.baseUrl);
    vi.stubEnv("OTEL_METRICS_EXPORTER", "otlp");
    vi.stubEnv("OTEL_METRIC_EXPORT_INTERVAL", "10");
    vi.stubEnv("OTEL_METRIC_EXPORT_TIMEOUT", "10");
    vi.stubEnv("OTEL_LOGS_EXPORTER", "otlp");
    vi.stubEnv("OTEL_TRACES_EXPORTER", "console");
    vi.stubEnv("OTEL_TRACES_SAMPLER", "always_off");
    vi.stubEnv("OTEL_SERVICE_NAME", "somebody else");
    vi.stubEnv("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=orders-7");
    const running = await start();
    running.start("check", { traceparent: SAMPLED, tracestate: undefined })?.end();
    await running.stop();
    expect(receiver.requests).toEqual(["POST /v1/traces"]);
    expect(receiver.spans[0]?.resource).toMatchObject({ "service.name": "portcullis", "k8s.pod.name": "orders-7" });
    expect(elsewhere.requests).toEqual([]);
    await elsewhere.stop();
  });

  test("OTEL_SDK_DISABLED records nothing", async () => {
    vi.stubEnv("OTEL_SDK_DISABLED", "true");
    const running = await start();
    expect(running.start("check", { traceparent: SAMPLED, tracestate: undefined })).toBeUndefined();
  });
});

describe("a receiver that fails", () => {
  test("costs spans and one line in the log, nothing else, and does not hold up the end", async () => {
    const refusing = await startOtlpReceiver(400);
    const running = await start({ otlpBaseUrl: refusing.baseUrl });
    for (let i = 0; i < 3_000; i += 1) running.start("check", { traceparent: SAMPLED, tracestate: undefined })?.end();
    await running.stop();
    await refusing.stop();
    expect(refusing.requests.length).toBeGreaterThan(0);
    expect(lines.map(({ event }) => event)).toEqual(["traces_not_exported"]);
  });

  test("one that is not there does not keep the process from ending", async () => {
    const gone = await startOtlpReceiver();
    await gone.stop();
    const running = await start({ otlpBaseUrl: gone.baseUrl });
    running.start("check", { traceparent: SAMPLED, tracestate: undefined })?.end();
    const before = performance.now();
    await running.stop();
    expect(performance.now() - before).toBeLessThan(10_000);
  });
});
