// Carries Checks and health over gRPC with @grpc/grpc-js: sockets, keepalive, drain. It decides nothing: the bytes of
// a Check pass through unread.

import {
  Server,
  ServerCredentials,
  type MethodDefinition,
  type sendUnaryData,
  type ServerOptions,
  type ServerUnaryCall,
} from "@grpc/grpc-js";
import type { CheckHandler } from "./check-handler.ts";
import { createHealth } from "./health.ts";
import type { Transport } from "./transport.ts";
import { claimSocketPath } from "./unix-socket.ts";

const CHECK_SERVICE = "envoy.service.auth.v3.Authorization";
const HEALTH_SERVICE = "grpc.health.v1.Health";

/** A larger message would be a gRPC error, which Envoy may wave through: far above any header and body limit of its. */
const MAX_REQUEST_BYTES = 64 * 1024 * 1024;
/** A peer that vanished without a word is noticed within both together. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** So that Envoys spread again over new sidecars; grpc-js varies it by 10 %. */
const MAX_CONNECTION_AGE_MS = 3_600_000;
/** Far longer than any Check. */
const MAX_CONNECTION_AGE_GRACE_MS = 10_000;

export interface GrpcServerOptions {
  /** `host:port` (port 0: any free one) or `unix:/path`; at least one. */
  readonly listen: readonly string[];
  readonly checks: CheckHandler;
  /** MAX_CONNECTION_AGE_MS unless a test says otherwise. */
  readonly maxConnectionAgeMs?: number;
}

/** A transport on the stock gRPC library. Not serving until told so. */
export function createGrpcServer(options: GrpcServerOptions): Transport {
  const { listen, checks } = options;
  const health = createHealth(["", CHECK_SERVICE]);
  const server = new Server(serverOptions(options.maxConnectionAgeMs ?? MAX_CONNECTION_AGE_MS));
  let isDraining = false;

  server.addService(
    { check: method(`/${CHECK_SERVICE}/Check`, false) },
    { check: (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => answer(checks, call, callback) },
  );
  server.addService(
    { check: method(`/${HEALTH_SERVICE}/Check`, false), watch: method(`/${HEALTH_SERVICE}/Watch`, true) },
    { check: health.check, watch: health.watch },
  );

  const stop = (): void => {
    health.endWatches();
    server.forceShutdown();
  };

  return {
    async start() {
      const bound: string[] = [];
      try {
        for (const address of listen) bound.push(await bind(server, address));
      } catch (error) {
        stop();
        throw error;
      }
      return bound;
    },
    setServing(serving) {
      if (!isDraining) health.setServing(serving);
    },
    async drain(delayMs, timeoutMs) {
      isDraining = true;
      health.setServing(false);
      await elapsed(delayMs);
      health.endWatches();
      const outcome = await shutDown(server, timeoutMs);
      if (outcome === "cut_off") server.forceShutdown();
      return outcome;
    },
    async stop() {
      stop();
    },
  };
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

function method(path: string, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  const asItIs = (bytes: Buffer): Buffer => bytes;
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

async function bind(server: Server, address: string): Promise<string> {
  if (address.startsWith("unix:")) await claimSocketPath(address.slice("unix:".length));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, boundPort) => {
      if (error === null) resolve(boundPort);
      else reject(new Error(`cannot listen on ${address}: ${error.message}`, { cause: error }));
    });
  });
  return address.startsWith("unix:") ? address : address.replace(/:\d+$/, `:${port}`);
}

/** GOAWAY to everybody; resolves when the last call has ended, or with `cut_off` when that took too long. */
function shutDown(server: Server, timeoutMs: number): Promise<"finished" | "cut_off"> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve("cut_off"), timeoutMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve("finished");
    });
  });
}

function elapsed(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
