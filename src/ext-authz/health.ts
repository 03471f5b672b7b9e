// gRPC health (grpc.health.v1) for the whole server and for the Check service, which are one. Told from outside what
// to say; it judges nothing by itself and knows no transport.

import { err, ok, type Result } from "../core/result.ts";
import { varintField } from "./protobuf-writer.ts";
import { ProtobufReader } from "./protobuf-reader.ts";

const REQUEST_SERVICE = 0x0a; // HealthCheckRequest.service = 1
/** HealthCheckResponse.status = 1. */
const SERVING = varintField(1, 1);
const NOT_SERVING = varintField(1, 2);
const SERVICE_UNKNOWN = varintField(1, 3);

/** Why a health check gets a status in place of an answer: INVALID_ARGUMENT, NOT_FOUND. */
export type HealthRefusal = "not_a_health_check" | "unknown_service";

/** Whoever watches. */
export interface HealthWatcher {
  /** An encoded HealthCheckResponse. */
  readonly told: (status: Buffer) => void;
  /** By the server; nothing more is told. */
  readonly ended: () => void;
}

export interface Health {
  setServing(serving: boolean): void;
  /** Ends all watches, and later ones as soon as they are told: they would hold a drain up for ever. */
  endWatches(): void;
  /** An encoded HealthCheckRequest to an encoded HealthCheckResponse. */
  check(request: Buffer): Result<Buffer, HealthRefusal>;
  /** Tells `watcher` the status at once and whenever it changes. The function returned ends that, silently. */
  watch(request: Buffer, watcher: HealthWatcher): () => void;
}

/**
 * NOT_SERVING until told otherwise. `services`: the names that are known; the empty one is the whole server. `look` is
 * called before each answer, and may tell.
 */
export function createHealth(services: readonly string[], look: () => void): Health {
  const known = new Set(services);
  const watches = new Set<HealthWatcher>();
  /** Of services that nobody knows: told so once, and ended like the others. */
  const strayWatches = new Set<HealthWatcher>();
  let current = NOT_SERVING;
  let isEnding = false;
  return {
    setServing(serving) {
      const next = serving ? SERVING : NOT_SERVING;
      if (next === current) return;
      current = next;
      for (const watch of watches) watch.told(current);
    },
    endWatches() {
      isEnding = true;
      for (const open of [watches, strayWatches]) {
        for (const watch of open) watch.ended();
        open.clear();
      }
    },
    check(request) {
      const service = serviceOf(request);
      if (service === undefined) return err("not_a_health_check");
      if (!known.has(service)) return err("unknown_service");
      look();
      return ok(current);
    },
    watch(request, watcher) {
      const service = serviceOf(request);
      const isKnown = service !== undefined && known.has(service);
      look();
      const among = isKnown ? watches : strayWatches;
      // An unknown one stays open: its service may yet come (gRPC health checking protocol).
      watcher.told(isKnown ? current : SERVICE_UNKNOWN);
      if (isEnding) watcher.ended();
      else among.add(watcher);
      return () => void among.delete(watcher);
    },
  };
}

function serviceOf(request: Buffer): string | undefined {
  const reader = new ProtobufReader(request);
  let service = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST_SERVICE) service = reader.utf8();
    else reader.skip(tag);
  }
  return reader.damaged ? undefined : service;
}
