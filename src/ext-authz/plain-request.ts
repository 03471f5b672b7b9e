// Reads a CheckRequest in the one form in which Envoy writes most of them: every field a tag of one byte, a length of at
// most two and that many bytes, every header a name and then a value. With 15 headers that takes 0.7 µs in place of 1.1. It
// decides nothing: whatever is written otherwise, or is out of the ordinary, is left to request.ts.

import {
  ATTRIBUTES_CONTEXT_EXTENSIONS,
  ATTRIBUTES_REQUEST,
  ATTRIBUTES_ROUTE_METADATA,
  CHECK_ATTRIBUTES,
  HEADER_KEY,
  HEADER_MAP_HEADERS,
  HEADER_RAW_VALUE,
  HEADER_VALUE,
  HTTP_HEADER_MAP,
  HTTP_HEADERS,
  HTTP_HOST,
  HTTP_METHOD,
  HTTP_PATH,
  REQUEST_HTTP,
} from "./check-request-tags.ts";
import { methodText } from "./http-method.ts";
import { RequestDraft } from "./request-draft.ts";
import type { AuthzRequest } from "./authz-request.ts";
import { AUTHORIZATION, OTHER, TRACEPARENT, type HeaderRole, type WatchedHeaders } from "./watched-headers.ts";

const LENGTH_DELIMITED = 2;
/** From here on a varint goes on in its next byte. */
const LONGER = 0x80;
/** A tag below it has the field number 0, which does not exist. */
const FIRST_TAG = 0x08;

/** What request.ts reads out of `bytes`, if they are written plainly; undefined says nothing about them. */
export function readPlainRequest(bytes: Buffer, watched: WatchedHeaders): AuthzRequest | undefined {
  if (bytes[0] !== CHECK_ATTRIBUTES || contentEnd(bytes, 0) !== bytes.length) return undefined;
  const draft = new RequestDraft(bytes);
  const isRead = readAttributes(draft, watched, contentStart(bytes, 0), bytes.length);
  return isRead && draft.hasHttp ? draft : undefined;
}

function readAttributes(draft: RequestDraft, watched: WatchedHeaders, from: number, limit: number): boolean {
  const { bytes } = draft;
  for (let at = from; at < limit;) {
    const tag = bytes[at] as number;
    const start = contentStart(bytes, at);
    const end = contentEnd(bytes, at);
    if (!isPlain(tag) || end > limit) return false;
    if (tag === ATTRIBUTES_CONTEXT_EXTENSIONS || (tag === ATTRIBUTES_ROUTE_METADATA && start !== end)) return false;
    if (tag === ATTRIBUTES_REQUEST && !readRequest(draft, watched, start, end)) return false;
    at = end;
  }
  return true;
}

function readRequest(draft: RequestDraft, watched: WatchedHeaders, from: number, limit: number): boolean {
  const { bytes } = draft;
  for (let at = from; at < limit;) {
    const tag = bytes[at] as number;
    const start = contentStart(bytes, at);
    const end = contentEnd(bytes, at);
    if (!isPlain(tag) || end > limit) return false;
    if (tag === REQUEST_HTTP && !readHttp(draft, watched, start, end)) return false;
    at = end;
  }
  return true;
}

function readHttp(draft: RequestDraft, watched: WatchedHeaders, from: number, limit: number): boolean {
  const { bytes } = draft;
  draft.hasHttp = true;
  for (let at = from; at < limit;) {
    const tag = bytes[at] as number;
    const start = contentStart(bytes, at);
    const end = contentEnd(bytes, at);
    if (!isPlain(tag) || end > limit) return false;
    if (tag === HTTP_HEADERS) {
      if (!readHeader(draft, watched, start, end, false)) return false;
    } else if (!readField(draft, watched, tag, start, end)) return false;
    at = end;
  }
  return true;
}

function readField(draft: RequestDraft, watched: WatchedHeaders, tag: number, start: number, end: number): boolean {
  switch (tag) {
    case HTTP_METHOD:
      draft.method = methodText(draft.bytes, start, end);
      return true;
    case HTTP_PATH:
      draft.path = draft.bytes.toString("latin1", start, end);
      return true;
    case HTTP_HOST:
      draft.hostStart = start;
      draft.hostEnd = end;
      return true;
    case HTTP_HEADER_MAP:
      return readHeaderMap(draft, watched, start, end);
    default:
      return true;
  }
}

function readHeaderMap(draft: RequestDraft, watched: WatchedHeaders, from: number, limit: number): boolean {
  const { bytes } = draft;
  for (let at = from; at < limit;) {
    const start = contentStart(bytes, at);
    const end = contentEnd(bytes, at);
    if (bytes[at] !== HEADER_MAP_HEADERS || end > limit) return false;
    if (!readHeader(draft, watched, start, end, true)) return false;
    at = end;
  }
  return true;
}

/** Only what every request may have: one credential, one traceparent. All else that is watched is not plain. */
function readHeader(draft: RequestDraft, watched: WatchedHeaders, at: number, end: number, inMap: boolean): boolean {
  const { bytes } = draft;
  const nameStart = at + 2;
  const nameEnd = nameStart + (bytes[at + 1] as number);
  if (bytes[at] !== HEADER_KEY || nameEnd - nameStart >= LONGER) return false;
  const tag = bytes[nameEnd];
  if (tag !== HEADER_VALUE && !(inMap && tag === HEADER_RAW_VALUE)) return false;
  if (contentEnd(bytes, nameEnd) !== end) return false;
  const role = watched.roleOf(bytes, nameStart, nameEnd);
  return role === OTHER || keep(draft, role, contentStart(bytes, nameEnd), end);
}

function keep(draft: RequestDraft, role: HeaderRole, start: number, end: number): boolean {
  if (role === AUTHORIZATION && draft.authorization.length === 0) {
    draft.authorization = [draft.bytes.subarray(start, end)];
    return true;
  }
  if (role !== TRACEPARENT || draft.traceparentCount > 0) return false;
  draft.traceparentCount = 1;
  draft.traceparentStart = start;
  draft.traceparentEnd = end;
  return true;
}

function isPlain(tag: number): boolean {
  return (tag & 7) === LENGTH_DELIMITED && tag >= FIRST_TAG && tag < LONGER;
}

/** Behind the tag at `at` and its length, of one byte or two. */
function contentStart(bytes: Buffer, at: number): number {
  return (bytes[at + 1] as number) < LONGER ? at + 2 : at + 3;
}

/** Where the field at `at` ends; Infinity where its length has more than two bytes. */
function contentEnd(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] as number;
  if (first < LONGER) return at + 2 + first;
  const second = bytes[at + 2] as number;
  return second < LONGER ? at + 3 + first - LONGER + second * LONGER : Infinity;
}
