// What gRPC reads in a request's fields (gRPC over HTTP/2, "Requests"): which method is called, for how long, and
// whether it is refused before its message is looked at. It sends nothing.

import type { CheckCall } from "../check.ts";
import { readGrpcTimeout } from "../deadline.ts";
import { BAD_TIMEOUT, NOT_GRPC, NOT_POST, UNKNOWN_METHOD, type Refusal } from "./answers.ts";
import type { RequestFields } from "./request-fields.ts";

export type Method = "check" | "health_check" | "health_watch";

/** Of a call. Immutable: calls whose header blocks are the same share one. */
export interface CallHead {
  readonly method: Method;
  /** What answers it, whatever its messages are. */
  readonly refusal: Refusal | undefined;
  /** What the caller allows from its start on; undefined: for ever. */
  readonly timeoutMs: number | undefined;
  /** As it is at the call's start. */
  readonly call: CheckCall;
  /** -1: not told. */
  readonly contentLength: number;
  /** What its messages are compressed with is none of ours. */
  readonly isEncoded: boolean;
}

/** Of a record without a call. */
export const NO_CALL_HEAD: CallHead = {
  method: "check",
  refusal: undefined,
  timeoutMs: undefined,
  call: { grpcTimeoutMs: undefined, traceparent: undefined, tracestate: undefined },
  contentLength: -1,
  isEncoded: false,
};

export const CHECK_SERVICE = "envoy.service.auth.v3.Authorization";
const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  [`/${CHECK_SERVICE}/Check`, "check"],
  ["/grpc.health.v1.Health/Check", "health_check"],
  ["/grpc.health.v1.Health/Watch", "health_watch"],
]);

const CONTENT_TYPE = /^application\/grpc(?:[+;]|$)/i;

/** Of well-formed fields. */
export function readCallHead(fields: RequestFields): CallHead {
  const { contentLength, grpcEncoding, grpcTimeout, traceparent, tracestate } = fields;
  const timeoutMs = grpcTimeout === undefined ? undefined : readGrpcTimeout(grpcTimeout);
  const method = METHODS.get(fields.path ?? "");
  return {
    method: method ?? "check",
    refusal: refusalOf(fields, method, timeoutMs),
    timeoutMs,
    call: { grpcTimeoutMs: timeoutMs, traceparent, tracestate },
    contentLength,
    isEncoded: grpcEncoding !== undefined && grpcEncoding !== "identity",
  };
}

function refusalOf(
  fields: RequestFields,
  method: Method | undefined,
  timeoutMs: number | undefined,
): Refusal | undefined {
  if (fields.method !== "POST") return NOT_POST;
  if (!CONTENT_TYPE.test(fields.contentType ?? "")) return NOT_GRPC;
  if (method === undefined) return UNKNOWN_METHOD;
  return fields.grpcTimeout !== undefined && timeoutMs === undefined ? BAD_TIMEOUT : undefined;
}
