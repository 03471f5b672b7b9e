// Carries Checks and health over gRPC with @grpc/grpc-js: sockets, keepalive, drain. It decides nothing: the bytes of
// a Check pass through unread.

import type { IncomingHttpHeaders, ServerHttp2Stream, ServerOptions as Http2ServerOptions } from "node:http2";
import {
  Server,
  ServerCredentials,
  type MethodDefinition,
  type sendUnaryData,
  type ServerOptions,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import type { CheckHandler } from "./check-handler.ts";
import { createHealth, type Health } from "./health.ts";
import { createListeners } from "./listeners.ts";
import { createTransport } from "./draining.ts";
import type { Transport, TransportOptions } from "./transport.ts";
import { isPlainCall, receiveMessage, sendMessage, timeoutMsOf } from "./unary-call.ts";

const CHECK_SERVICE = "envoy.service.auth.v3.Authorization";
const CHECK_PATH = `/${CHECK_SERVICE}/Check`;
const HEALTH_SERVICE = "grpc.health.v1.Health";

/** A larger message would be a gRPC error, which Envoy may wave through: far above any header and body limit of its. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** A peer that vanished without a word is noticed within both together. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** So that Envoys spread again over new sidecars; grpc-js varies it by 10 %. */
const MAX_CONNECTION_AGE_MS = 3_600_000;
/** At once and per second: more than one connection can bring. */
const STREAM_RESETS = 1_000_000;
/** Far longer than any Check. */
const MAX_CONNECTION_AGE_GRACE_MS = 10_000;

export interface GrpcServerOptions extends TransportOptions {
  /** MAX_CONNECTION_AGE_MS unless a test says otherwise. */
  readonly maxConnectionAgeMs?: number;
}

/** A transport on the stock gRPC library. Not serving until told so. */
export function createGrpcServer(options: GrpcServerOptions): Transport {
  const { checks, log } = options;
  const health = createHealth(["", CHECK_SERVICE], () => options.beforeHealth?.());
  const server = new Server(serverOptions(options.maxConnectionAgeMs ?? MAX_CONNECTION_AGE_MS));
  tolerateResets(server);
  addServices(server, checks, health);
  carryPlainChecks(server, checks);
  const protocol = server.createConnectionInjector(ServerCredentials.createInsecure());
  // Own listeners: the library's end the process when accept() fails, and its forceShutdown knows no connection and
  // closes none where channelz is off (@grpc/grpc-js 1.14.7).
  const listeners = createListeners({
    addresses: options.listen,
    tls: options.tls,
    allowHalfOpen: false, // as in the library's own listeners
    accepted: (connection) => protocol.injectConnection(connection),
    failed: (error) => log.warn("accept_failed", { error: error.message }),
  });
  return createTransport({
    health,
    listeners,
    sayGoodbye: (timeoutMs) => protocol.drain(timeoutMs),
    gone: () => protocol.destroy(),
  });
}

function addServices(server: Server, checks: CheckHandler, health: Health): void {
  server.addService(
    { check: method(CHECK_PATH, false) },
    {
      check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => answer(checks, call, callback),
    },
  );
  server.addService(
    { check: method(`/${HEALTH_SERVICE}/Check`, false), watch: method(`/${HEALTH_SERVICE}/Watch`, true) },
    {
      check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) =>
        answerHealth(health, call.request, callback),
      watch: (call: ServerWritableStream<Buffer, Buffer>) => watchHealth(health, call),
    },
  );
}

function answerHealth(health: Health, request: Buffer, callback: sendUnaryData<Buffer>): void {
  const checked = health.check(request);
  if (checked.ok) callback(null, checked.value);
  else if (checked.error === "unknown_service") callback({ code: status.NOT_FOUND, details: "unknown service" });
  else callback({ code: status.INVALID_ARGUMENT, details: "not a HealthCheckRequest" });
}

function watchHealth(health: Health, call: ServerWritableStream<Buffer, Buffer>): void {
  const leave = health.watch(call.request, { told: (current) => call.write(current), ended: () => call.end() });
  call.on("cancelled", leave);
}

function serverOptions(maxConnectionAgeMs: number): ServerOptions {
  return {
    "grpc.max_receive_message_length": MAX_REQUEST_BYTES,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.max_connection_age_ms": maxConnectionAgeMs,
    "grpc.max_connection_age_grace_ms": MAX_CONNECTION_AGE_GRACE_MS,
    "grpc.enable_channelz": 0, // counters per call that nobody reads
  };
}

/**
 * Envoy resets a Check's stream whenever its client goes away. At Node's default (a burst of 1,000, then 33 a second)
 * the whole connection would be torn down with every Check on it, and a stranger who aborts requests could make
 * `failure_mode_allow` decide for others. The library offers no option for it, only these options of its own.
 */
function tolerateResets(server: Server): void {
  const { commonServerOptions } = server as unknown as { readonly commonServerOptions?: Http2ServerOptions };
  if (commonServerOptions === undefined) throw new Error("@grpc/grpc-js keeps its HTTP/2 options elsewhere now");
  commonServerOptions.streamResetBurst = STREAM_RESETS;
  commonServerOptions.streamResetRate = STREAM_RESETS;
}

const STREAM_HANDLER = "_streamHandler";
type StreamHandler = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/**
 * Takes plain Checks past the library's own calls, which cost 40 µs each where the stream itself costs 25 (measured on
 * 1.14.7): interceptors, metadata and a timer that none of them needs, for every Check is answered before its caller
 * gives up. All other calls, unusual Checks among them, stay with the library, as do connections.
 */
function carryPlainChecks(server: Server, checks: CheckHandler): void {
  const internals = server as unknown as Record<typeof STREAM_HANDLER, StreamHandler | undefined>;
  const carry = internals[STREAM_HANDLER];
  if (carry === undefined) throw new Error("@grpc/grpc-js takes its streams elsewhere now");
  internals[STREAM_HANDLER] = (interceptors, stream, headers) => {
    if (headers[":path"] === CHECK_PATH && isPlainCall(headers)) answerPlainly(checks, stream, headers);
    else carry.call(server, interceptors, stream, headers);
  };
}

function answerPlainly(checks: CheckHandler, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const timeoutMs = timeoutMsOf(headers);
  const beganAtMs = timeoutMs === undefined ? 0 : performance.now();
  receiveMessage(stream, headers, MAX_REQUEST_BYTES, (message) => {
    const grpcTimeoutMs = timeoutMs === undefined ? undefined : timeoutMs - (performance.now() - beganAtMs);
    const { traceparent, tracestate } = headers;
    checks.check(
      message,
      { grpcTimeoutMs, traceparent: textOf(traceparent), tracestate: textOf(tracestate) },
      (response) => sendMessage(stream, response),
    );
  });
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}

const asItIs = (bytes: Buffer): Buffer => bytes;

function method(path: string, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: false,
    responseStream,
    requestSerialize: asItIs,
    requestDeserialize: asItIs,
    responseSerialize: asItIs,
    responseDeserialize: asItIs,
  };
}

function answer(checks: CheckHandler, call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
  checks.check(
    call.request,
    {
      grpcTimeoutMs: timeLeftMs(call),
      traceparent: metadataText(call, "traceparent"),
      tracestate: metadataText(call, "tracestate"),
    },
    (response) => callback(null, response),
  );
}

/** The library has turned grpc-timeout into an instant on the wall clock. */
function timeLeftMs(call: ServerUnaryCall<Buffer, Buffer>): number | undefined {
  const deadline = call.getDeadline();
  const atMs = typeof deadline === "number" ? deadline : deadline.getTime();
  return atMs === Number.POSITIVE_INFINITY ? undefined : atMs - Date.now();
}

function metadataText(call: ServerUnaryCall<Buffer, Buffer>, key: string): string | undefined {
  const [value] = call.metadata.get(key);
  return typeof value === "string" ? value : undefined;
}
