// gRPC health (grpc.health.v1) for the whole server and for the Check service, which are one. Told from outside what
// to say; it judges nothing by itself.

import { status, type handleServerStreamingCall, type handleUnaryCall, type ServerWritableStream } from "@grpc/grpc-js";
import { varintField } from "./wire-writer.ts";
import { WireReader } from "./wire-reader.ts";

const REQUEST_SERVICE = 0x0a; // HealthCheckRequest.service = 1
/** HealthCheckResponse.status = 1. */
const SERVING = varintField(1, 1);
const NOT_SERVING = varintField(1, 2);
const SERVICE_UNKNOWN = varintField(1, 3);

export interface Health {
  setServing(serving: boolean): void;
  /** Ends all watches: they would hold a drain up for ever. */
  endWatches(): void;
  readonly check: handleUnaryCall<Buffer, Buffer>;
  readonly watch: handleServerStreamingCall<Buffer, Buffer>;
}

/**
 * NOT_SERVING until told otherwise. `services`: the names that are known; the empty one is the whole server. `look` is
 * called before each answer, and may tell.
 */
export function createHealth(services: readonly string[], look: () => void): Health {
  const known = new Set(services);
  const watches = new Set<ServerWritableStream<Buffer, Buffer>>();
  /** Of services that nobody knows: told so once, and ended like the others. */
  const strayWatches = new Set<ServerWritableStream<Buffer, Buffer>>();
  let current = NOT_SERVING;
  return {
    setServing(serving) {
      const next = serving ? SERVING : NOT_SERVING;
      if (next === current) return;
      current = next;
      for (const watch of watches) watch.write(current);
    },
    endWatches() {
      for (const open of [watches, strayWatches]) {
        for (const watch of open) watch.end();
        open.clear();
      }
    },
    check(call, callback) {
      const service = serviceOf(call.request);
      if (service === undefined) callback({ code: status.INVALID_ARGUMENT, details: "not a HealthCheckRequest" });
      else if (!known.has(service)) callback({ code: status.NOT_FOUND, details: "unknown service" });
      else {
        look();
        callback(null, current);
      }
    },
    watch(call) {
      const service = serviceOf(call.request);
      const isKnown = service !== undefined && known.has(service);
      look();
      const among = isKnown ? watches : strayWatches;
      among.add(call);
      call.on("cancelled", () => among.delete(call));
      // An unknown one stays open: its service may yet come (gRPC health checking protocol).
      call.write(isKnown ? current : SERVICE_UNKNOWN);
    },
  };
}

function serviceOf(request: Buffer): string | undefined {
  const reader = new WireReader(request);
  let service = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST_SERVICE) service = reader.utf8();
    else reader.skip(tag);
  }
  return reader.damaged ? undefined : service;
}
