// Spans of sampled calls, exported over OTLP by the OpenTelemetry Node SDK. It instruments nothing and patches nothing.

import {
  context,
  createTraceState,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type ContextManager,
  type DiagLogger,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
} from "@opentelemetry/api";
import type { Log } from "../core/log.ts";
import { holdsToken } from "../core/token-like.ts";
import type { Span, Tracer } from "../core/tracing.ts";
import { parseTraceparent } from "./traceparent.ts";

/** How long stop() waits for the last spans to leave. */
const FLUSH_TIMEOUT_MS = 2_000;

/** An exporter that fails does so every few seconds; one line in so long says it. */
const COMPLAINT_PERIOD_MS = 60_000;
const MAX_COMPLAINT_LENGTH = 200;

/** W3C Trace Context §3.3.1.5: longer lists need not be passed on. */
const MAX_TRACESTATE_LENGTH = 512;

export interface TracingOptions {
  /** Base URL of an OTLP/HTTP receiver, spans go to its `/v1/traces`; undefined: no SDK is loaded, no call is sampled. */
  readonly otlpBaseUrl: string | undefined;
  /** Share, 0 to 1, of calls without a valid parent that are sampled. */
  readonly sampleRatio: number;
  readonly serviceVersion: string;
  readonly log: Log;
  /** From 0 up to 1, as Math.random. */
  readonly random: () => number;
}

export interface Tracing extends Tracer {
  /** Exports what is left, for at most two seconds. */
  stop(): Promise<void>;
}

const OFF: Tracing = {
  start: () => undefined,
  stop: () => Promise.resolve(),
};

/** An exporter that cannot reach its receiver drops spans (its queue holds 2,048) and logs; calls never notice. */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { otlpBaseUrl, sampleRatio, random } = options;
  if (otlpBaseUrl === undefined) return OFF;
  const sdk = await startSdk(otlpBaseUrl, options);

  return {
    start(name, { traceparent, tracestate }) {
      const parent = parseTraceparent(traceparent);
      if (parent === undefined) {
        return random() < sampleRatio ? startSpan(sdk.tracer, name, ROOT_CONTEXT) : undefined;
      }
      if (parent.kind === "unsampled") return undefined;
      const { traceId, spanId } = parent;
      const remote = trace.setSpanContext(ROOT_CONTEXT, {
        traceId,
        spanId,
        traceFlags: TraceFlags.SAMPLED,
        isRemote: true,
        ...(isPassedOn(tracestate) && { traceState: createTraceState(tracestate) }),
      });
      return startSpan(sdk.tracer, name, remote);
    },
    stop: () => sdk.stop(),
  };
}

/** Anybody may have written it: it is no way for a token to leave by. */
function isPassedOn(tracestate: string | undefined): tracestate is string {
  return tracestate !== undefined && tracestate.length <= MAX_TRACESTATE_LENGTH && !holdsToken(tracestate);
}

/** Undefined where OTEL_SDK_DISABLED says that nothing is to be recorded. */
function startSpan(tracer: OtelTracer, name: string, parent: Context): Span | undefined {
  const span = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
  return span.isRecording() ? wrap(tracer, span, parent) : undefined;
}

function wrap(tracer: OtelTracer, span: OtelSpan, parent: Context): Span {
  return {
    traceId: span.spanContext().traceId,
    child(name) {
      const own = trace.setSpan(parent, span);
      return wrap(tracer, tracer.startSpan(name, { kind: SpanKind.INTERNAL }, own), own);
    },
    set(key, value) {
      span.setAttribute(key, value);
    },
    fail(reason) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: reason });
    },
    end() {
      span.end();
    },
  };
}

interface Sdk {
  readonly tracer: OtelTracer;
  stop(): Promise<void>;
}

/**
 * Loads the SDK only here: it costs a quarter of a second and 40 MB, which a sidecar without traces does not pay.
 * All that the SDK would otherwise take from OTEL_* variables is given, but for OTEL_RESOURCE_ATTRIBUTES and the
 * bounds of its queue: no metrics, no logs, no propagator, no context manager, no other sampler, no other exporter.
 */
async function startSdk(baseUrl: string, { serviceVersion, log }: TracingOptions): Promise<Sdk> {
  const [{ NodeSDK }, { OTLPTraceExporter }, { envDetector, resourceFromAttributes }] = await Promise.all([
    import("@opentelemetry/sdk-node"),
    import("@opentelemetry/exporter-trace-otlp-proto"),
    import("@opentelemetry/resources"),
  ]);
  const sdk = new NodeSDK({
    serviceName: "portcullis",
    resource: resourceFromAttributes({ "service.version": serviceVersion }),
    resourceDetectors: [envDetector],
    traceExporter: new OTLPTraceExporter({ url: `${baseUrl.replace(/\/+$/, "")}/v1/traces` }),
    sampler: ALREADY_DECIDED,
    metricReaders: [],
    logRecordProcessors: [],
    instrumentations: [],
    textMapPropagator: null,
    contextManager: NO_CONTEXT,
  });
  diag.setLogger(complaintsTo(log), { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  sdk.start();
  let stopping: Promise<void> | undefined;
  return {
    tracer: trace.getTracer("portcullis", serviceVersion),
    stop: () => (stopping ??= stopSdk(sdk)),
  };
}

async function stopSdk(sdk: { shutdown(): Promise<void> }): Promise<void> {
  let giveUp: NodeJS.Timeout | undefined;
  const bound = new Promise<void>((resolve) => {
    giveUp = setTimeout(resolve, FLUSH_TIMEOUT_MS);
  });
  await Promise.race([sdk.shutdown().catch(() => undefined), bound]);
  clearTimeout(giveUp);
  trace.disable();
  context.disable();
  diag.disable();
}

/** A span is only begun for a call that the parent's flag or our ratio has chosen. 2 is RECORD_AND_SAMPLED. */
const ALREADY_DECIDED = { shouldSample: () => ({ decision: 2 }), toString: () => "AlreadyDecided" };

/** Parents are handed on by hand; nothing follows calls about behind our back. */
const NO_CONTEXT: ContextManager = {
  active: () => ROOT_CONTEXT,
  with: (_context, call, self, ...args) => call.apply(self, args),
  bind: (_context, target) => target,
  enable: () => NO_CONTEXT,
  disable: () => NO_CONTEXT,
};

function ignore(): void {
  // What the SDK says below a warning is of use to its authors only.
}

function complaintsTo(log: Log): DiagLogger {
  let silentUntilMs = Number.NEGATIVE_INFINITY;
  const complain = (message: string): void => {
    const nowMs = performance.now();
    if (nowMs < silentUntilMs) return;
    silentUntilMs = nowMs + COMPLAINT_PERIOD_MS;
    log.warn("traces_not_exported", { detail: message.slice(0, MAX_COMPLAINT_LENGTH) });
  };
  return { error: complain, warn: complain, info: ignore, debug: ignore, verbose: ignore };
}
