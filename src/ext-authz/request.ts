// Reads the few things a Check is judged on out of an encoded CheckRequest: untrusted bytes become an AuthzRequest.
// Never decides, never throws; what cannot be read is undefined, and the caller denies.

import type { AuthzRequest } from "./authz-request.ts";
import {
  ATTRIBUTES_CONTEXT_EXTENSIONS,
  ATTRIBUTES_REQUEST,
  ATTRIBUTES_ROUTE_METADATA,
  CHECK_ATTRIBUTES,
  HEADER_KEY,
  HEADER_MAP_HEADERS,
  HEADER_RAW_VALUE,
  HEADER_VALUE,
  HTTP_HEADERS,
  HTTP_HEADER_MAP,
  HTTP_HOST,
  HTTP_METHOD,
  HTTP_PATH,
  REQUEST_HTTP,
} from "./check-request-tags.ts";
import { readContextExtension, readRouteMetadata } from "./request-context.ts";
import { methodText } from "./http-method.ts";
import { readPlainRequest } from "./plain-request.ts";
import { RequestDraft } from "./request-draft.ts";
import {
  AUTHORIZATION,
  DAMAGED,
  OTHER,
  SPOOFED,
  TRACEPARENT,
  TRACESTATE,
  type HeaderRole,
  type WatchedHeaders,
} from "./watched-headers.ts";
import { ProtobufReader } from "./protobuf-reader.ts";

/**
 * Scans an `envoy.service.auth.v3.CheckRequest`. Repeated singular messages merge and of repeated scalars the last
 * counts, as protobuf asks; of what only an attacker would double (credentials, tiers) everything is kept.
 * Undefined: not a protobuf message, no HTTP request in it, more to keep than any real one has, or a header name with
 * impossible bytes (GHSA-9g5w-hqr3-w2ph: what cannot be read must end in a denial here, not in an error there).
 */
export function readAuthzRequest(bytes: Buffer, watched: WatchedHeaders): AuthzRequest | undefined {
  return readPlainRequest(bytes, watched) ?? readAnyRequest(bytes, watched);
}

/** As readAuthzRequest, however the message is written. */
export function readAnyRequest(bytes: Buffer, watched: WatchedHeaders): AuthzRequest | undefined {
  const reader = new ProtobufReader(bytes);
  const draft = new RequestDraft(bytes);
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === CHECK_ATTRIBUTES) readAttributes(reader, draft, watched);
    else reader.skip(tag);
  }
  return reader.damaged || !draft.hasHttp ? undefined : draft;
}

function readAttributes(reader: ProtobufReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ATTRIBUTES_REQUEST) readRequest(reader, draft, watched);
    else if (tag === ATTRIBUTES_CONTEXT_EXTENSIONS) readContextExtension(reader, draft);
    else if (tag === ATTRIBUTES_ROUTE_METADATA) readRouteMetadata(reader, draft);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readRequest(reader: ProtobufReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST_HTTP) readHttp(reader, draft, watched);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readHttp(reader: ProtobufReader, draft: RequestDraft, watched: WatchedHeaders): void {
  draft.hasHttp = true;
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    switch (tag) {
      case HTTP_HEADERS:
        readHeader(reader, draft, watched, false);
        break;
      case HTTP_HEADER_MAP:
        readHeaderMap(reader, draft, watched);
        break;
      case HTTP_METHOD:
        draft.method = readMethod(reader);
        break;
      case HTTP_PATH:
        draft.path = reader.latin1();
        break;
      case HTTP_HOST:
        draft.hostStart = reader.bytesStart();
        draft.hostEnd = reader.position;
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
}

function readMethod(reader: ProtobufReader): string {
  const start = reader.bytesStart();
  return methodText(reader.bytes, start, reader.position);
}

function readHeaderMap(reader: ProtobufReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_MAP_HEADERS) readHeader(reader, draft, watched, true);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

/** One header: an entry of the map `headers`, or a HeaderValue, which alone has `raw_value`. */
function readHeader(reader: ProtobufReader, draft: RequestDraft, watched: WatchedHeaders, hasRawValue: boolean): void {
  const outer = reader.enter();
  const start = reader.position;
  let nameStart = 0;
  let nameEnd = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_KEY) {
      nameStart = reader.bytesStart();
      nameEnd = reader.position;
    } else reader.skip(tag);
  }
  const role = reader.damaged ? OTHER : watched.roleOf(reader.bytes, nameStart, nameEnd);
  if (role === DAMAGED) reader.damage();
  else if (role !== OTHER && draft.mayKeep(reader)) {
    if (role === SPOOFED) noteSpoofed(draft, reader.bytes.toString("latin1", nameStart, nameEnd));
    else {
      reader.position = start;
      readValue(reader, draft, role, hasRawValue);
    }
  }
  reader.leave(outer);
}

/** Walks a header that is of interest once more, for its value: in whatever order its fields stand. */
function readValue(reader: ProtobufReader, draft: RequestDraft, role: HeaderRole, hasRawValue: boolean): void {
  let valueStart = 0;
  let valueEnd = 0;
  let rawStart = 0;
  let rawEnd = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_VALUE) {
      valueStart = reader.bytesStart();
      valueEnd = reader.position;
    } else if (tag === HEADER_RAW_VALUE && hasRawValue) {
      rawStart = reader.bytesStart();
      rawEnd = reader.position;
    } else reader.skip(tag);
  }
  // Envoy fills one of the two. Both filled is two values, and two values are refused.
  if (rawStart !== rawEnd) noteValue(draft, role, rawStart, rawEnd);
  if (rawStart === rawEnd || valueStart !== valueEnd) noteValue(draft, role, valueStart, valueEnd);
}

function noteSpoofed(draft: RequestDraft, name: string): void {
  if (!draft.spoofedNames.includes(name)) draft.spoofedNames = [...draft.spoofedNames, name];
}

function noteValue(draft: RequestDraft, role: HeaderRole, start: number, end: number): void {
  if (role === AUTHORIZATION) {
    const value = draft.bytes.subarray(start, end);
    draft.authorization = draft.authorization.length === 0 ? [value] : [...draft.authorization, value];
  } else if (role === TRACEPARENT) {
    draft.traceparentCount++;
    draft.traceparentStart = start;
    draft.traceparentEnd = end;
  } else if (role === TRACESTATE) {
    const value = draft.bytes.toString("latin1", start, end);
    // Several are one list (W3C Trace Context §3.3.1.1).
    draft.tracestate = draft.tracestate === undefined ? value : `${draft.tracestate},${value}`;
  }
}
