// The vendored definitions through protobufjs: a second implementation of the messages, as oracle and as client.

import { fileURLToPath } from "node:url";
import { loadPackageDefinition, type Client, type GrpcObject } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const definition = loadSync(["envoy/service/auth/v3/external_auth.proto", "grpc/health/v1/health.proto"], {
  includeDirs: [fileURLToPath(new URL("../../proto", import.meta.url))],
  keepCase: true,
  longs: Number,
  enums: String,
  oneofs: true,
  arrays: true,
  objects: true,
});

export interface HeaderValueMessage {
  readonly key?: string;
  readonly value?: string;
  readonly raw_value?: Buffer;
}

export interface HttpRequestMessage {
  readonly id?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
  readonly host?: string;
  readonly scheme?: string;
  readonly size?: number;
  readonly protocol?: string;
  readonly body?: string;
  readonly raw_body?: Buffer;
  readonly header_map?: { readonly headers: readonly HeaderValueMessage[] } | null;
}

/** A google.protobuf.Value with one of its kinds. */
export type ValueMessage = Readonly<Record<string, unknown>>;

export interface StructMessage {
  readonly fields: Readonly<Record<string, ValueMessage>>;
}

export interface CheckRequestMessage {
  readonly attributes?: {
    readonly source?: Readonly<Record<string, unknown>>;
    readonly request?: { readonly http?: HttpRequestMessage | null } | null;
    readonly context_extensions?: Readonly<Record<string, string>>;
    readonly metadata_context?: { readonly filter_metadata: Readonly<Record<string, StructMessage>> } | null;
    readonly route_metadata_context?: { readonly filter_metadata: Readonly<Record<string, StructMessage>> } | null;
  } | null;
}

export interface HeaderOptionMessage {
  readonly header: { readonly key: string; readonly value: string };
  readonly append?: unknown;
  readonly append_action: string;
}

export interface CheckResponseMessage {
  /** A code of 0 is not written out. */
  readonly status: { readonly code?: number } | null;
  readonly http_response?: "ok_response" | "denied_response";
  readonly ok_response?: {
    readonly headers: readonly HeaderOptionMessage[];
    readonly headers_to_remove: readonly string[];
  };
  readonly denied_response?: {
    readonly status: { readonly code: string };
    readonly headers: readonly HeaderOptionMessage[];
    readonly body: string;
  };
  readonly dynamic_metadata: StructMessage | null;
}

interface Method {
  requestSerialize(message: object): Buffer;
  requestDeserialize(bytes: Buffer): object;
  responseDeserialize(bytes: Buffer): object;
}

const check = (definition["envoy.service.auth.v3.Authorization"] as unknown as { Check: Method }).Check;

export function encodeCheckRequest(message: CheckRequestMessage): Buffer {
  return check.requestSerialize(message);
}

/** Throws where protobufjs cannot read it. */
export function decodeCheckRequest(bytes: Buffer): CheckRequestMessage {
  return check.requestDeserialize(bytes);
}

export function decodeCheckResponse(bytes: Buffer): CheckResponseMessage {
  return check.responseDeserialize(bytes) as CheckResponseMessage;
}

/** A CheckRequest for one HTTP request, as Envoy sends it without `encode_raw_headers`. */
export function checkRequest(
  http: HttpRequestMessage,
  rest: Omit<NonNullable<CheckRequestMessage["attributes"]>, "request"> = {},
): Buffer {
  return encodeCheckRequest({ attributes: { ...rest, request: { http } } });
}

/** The Struct's members as plain values. */
export function metadataOf(response: CheckResponseMessage): Readonly<Record<string, unknown>> {
  const fields = Object.entries(response.dynamic_metadata?.fields ?? {});
  return Object.fromEntries(fields.map(([key, value]) => [key, value[value["kind"] as string]]));
}

export type ClientConstructor = new (...args: ConstructorParameters<typeof Client>) => Client;

const packages = loadPackageDefinition(definition) as unknown as Record<string, GrpcObject>;

function clientAt(...path: readonly string[]): ClientConstructor {
  let found: unknown = packages;
  for (const name of path) found = (found as Record<string, unknown>)[name];
  return found as ClientConstructor;
}

export const AuthorizationClient: ClientConstructor = clientAt("envoy", "service", "auth", "v3", "Authorization");
export const HealthClient: ClientConstructor = clientAt("grpc", "health", "v1", "Health");
