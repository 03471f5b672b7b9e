// Reads the few things a Check is judged on out of an encoded CheckRequest: untrusted bytes become an AuthzRequest.
// Never decides, never throws; what cannot be read is undefined, and the caller denies.

import type { AuthzRequest } from "./authz-request.ts";
import { readContextExtension, readRouteMetadata } from "./request-context.ts";
import { emptyDraft, mayKeep, type RequestDraft } from "./request-draft.ts";
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
import { WireReader } from "./wire-reader.ts";

// Tags: field number and wire type of the fields that are read (proto/SOURCE.md). The same field number with another
// wire type is an unknown field, as protobuf asks.
const CHECK_ATTRIBUTES = 0x0a; // CheckRequest.attributes = 1
const ATTRIBUTES_REQUEST = 0x22; // AttributeContext.request = 4
const ATTRIBUTES_CONTEXT_EXTENSIONS = 0x52; // = 10
const ATTRIBUTES_ROUTE_METADATA = 0x6a; // = 13
const REQUEST_HTTP = 0x12; // Request.http = 2
const HTTP_METHOD = 0x12; // HttpRequest.method = 2
const HTTP_HEADERS = 0x1a; // = 3, a map: entries of key = 1, value = 2
const HTTP_PATH = 0x22; // = 4
const HTTP_HOST = 0x2a; // = 5
const HTTP_HEADER_MAP = 0x6a; // = 13
const HEADER_MAP_HEADERS = 0x0a; // HeaderMap.headers = 1
const HEADER_KEY = 0x0a; // HeaderValue.key = 1, as in a map's entry
const HEADER_VALUE = 0x12; // = 2, as in a map's entry
const HEADER_RAW_VALUE = 0x1a; // = 3

/**
 * Scans an `envoy.service.auth.v3.CheckRequest`. Repeated singular messages merge and of repeated scalars the last
 * counts, as protobuf asks; of what only an attacker would double (credentials, tiers) everything is kept.
 * Undefined: not a protobuf message, no HTTP request in it, more to keep than any real one has, or a header name with
 * impossible bytes (GHSA-9g5w-hqr3-w2ph: what cannot be read must end in a denial here, not in an error there).
 */
export function readAuthzRequest(bytes: Buffer, watched: WatchedHeaders): AuthzRequest | undefined {
  const reader = new WireReader(bytes);
  const draft = emptyDraft();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === CHECK_ATTRIBUTES) readAttributes(reader, draft, watched);
    else reader.skip(tag);
  }
  return reader.damaged || !draft.hasHttp ? undefined : draft;
}

function readAttributes(reader: WireReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ATTRIBUTES_REQUEST) readRequest(reader, draft, watched);
    else if (tag === ATTRIBUTES_CONTEXT_EXTENSIONS) readContextExtension(reader, draft);
    else if (tag === ATTRIBUTES_ROUTE_METADATA) readRouteMetadata(reader, draft);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readRequest(reader: WireReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === REQUEST_HTTP) readHttp(reader, draft, watched);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

function readHttp(reader: WireReader, draft: RequestDraft, watched: WatchedHeaders): void {
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
        draft.method = reader.latin1();
        break;
      case HTTP_PATH:
        draft.path = reader.latin1();
        break;
      case HTTP_HOST:
        draft.host = reader.latin1();
        break;
      default:
        reader.skip(tag);
    }
  }
  reader.leave(outer);
}

function readHeaderMap(reader: WireReader, draft: RequestDraft, watched: WatchedHeaders): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_MAP_HEADERS) readHeader(reader, draft, watched, true);
    else reader.skip(tag);
  }
  reader.leave(outer);
}

/** One header: an entry of the map `headers`, or a HeaderValue, which alone has `raw_value`. */
function readHeader(reader: WireReader, draft: RequestDraft, watched: WatchedHeaders, hasRawValue: boolean): void {
  const outer = reader.enter();
  const start = reader.position;
  let nameEnd = 0;
  let nameLength = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_KEY) {
      nameLength = reader.skipBytes();
      nameEnd = reader.position;
    } else reader.skip(tag);
  }
  const role = reader.damaged ? OTHER : watched.roleOf(reader.bytes, nameEnd - nameLength, nameEnd);
  if (role === DAMAGED) reader.damage();
  else if (role !== OTHER && mayKeep(draft, reader)) {
    if (role === SPOOFED) noteSpoofed(draft, reader.bytes.toString("latin1", nameEnd - nameLength, nameEnd));
    else {
      reader.position = start;
      readValue(reader, draft, role, hasRawValue);
    }
  }
  reader.leave(outer);
}

/** Walks a header that is of interest once more, for its value: in whatever order its fields stand. */
function readValue(reader: WireReader, draft: RequestDraft, role: HeaderRole, hasRawValue: boolean): void {
  let value = "";
  let rawValue = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_VALUE) value = reader.latin1();
    else if (tag === HEADER_RAW_VALUE && hasRawValue) rawValue = reader.latin1();
    else reader.skip(tag);
  }
  // Envoy fills one of the two. Both filled is two values, and two values are refused.
  if (rawValue !== "") noteValue(draft, role, rawValue);
  if (rawValue === "" || value !== "") noteValue(draft, role, value);
}

function noteSpoofed(draft: RequestDraft, name: string): void {
  if (!draft.spoofedNames.includes(name)) draft.spoofedNames.push(name);
}

function noteValue(draft: RequestDraft, role: HeaderRole, value: string): void {
  if (role === AUTHORIZATION) draft.authorization.push(value);
  else if (role === TRACEPARENT) {
    draft.traceparentCount++;
    draft.traceparent = draft.traceparentCount === 1 ? value : undefined;
  } else if (role === TRACESTATE) {
    // Several are one list (W3C Trace Context §3.3.1.1).
    draft.tracestate = draft.tracestate === undefined ? value : `${draft.tracestate},${value}`;
  }
}
