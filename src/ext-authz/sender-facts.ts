// Reads what a CheckRequest tells of who sends the call: the DPoP proofs it carries, its client certificate and the address
// it was sent to. A walk of its own, for few calls are asked; it judges nothing.

import {
  ADDRESS_SOCKET,
  ATTRIBUTES_DESTINATION,
  ATTRIBUTES_REQUEST,
  ATTRIBUTES_SOURCE,
  CHECK_ATTRIBUTES,
  HEADER_KEY,
  HEADER_MAP_HEADERS,
  HEADER_RAW_VALUE,
  HEADER_VALUE,
  HTTP_HEADER_MAP,
  HTTP_HEADERS,
  HTTP_SCHEME,
  PEER_ADDRESS,
  PEER_CERTIFICATE,
  REQUEST_HTTP,
  SOCKET_PORT,
} from "./check-request-tags.ts";
import { ProtobufReader } from "./protobuf-reader.ts";

export interface SenderFacts {
  /** Every value of a header `DPoP`, in the order received. */
  readonly proofs: readonly Buffer[];
  /** URL-encoded PEM, as Envoy had it from the TLS handshake; "": none. Never what a header says. */
  readonly certificate: string;
  /** Of the request as Envoy took it; "" where it does not tell. */
  readonly scheme: string;
  /** That the client's connection came in on; undefined where it is none of TCP. */
  readonly port: number | undefined;
}

/** Two are refused already. */
const MAX_PROOFS = 2;

class Draft implements SenderFacts {
  proofs: readonly Buffer[] = [];
  certificate = "";
  scheme = "";
  port: number | undefined = undefined;
}

type ReadField = (reader: ProtobufReader, tag: number, draft: Draft) => void;

/** Of `bytes` that readAuthzRequest could read. */
export function readSenderFacts(bytes: Buffer): SenderFacts {
  const reader = new ProtobufReader(bytes);
  const draft = new Draft();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === CHECK_ATTRIBUTES) within(reader, draft, readAttribute);
    else reader.skip(tag);
  }
  return draft;
}

/** Walks the message that begins here. */
function within(reader: ProtobufReader, draft: Draft, readField: ReadField): void {
  const outer = reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) readField(reader, tag, draft);
  reader.leave(outer);
}

function readAttribute(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === ATTRIBUTES_SOURCE) within(reader, draft, readSource);
  else if (tag === ATTRIBUTES_DESTINATION) within(reader, draft, readDestination);
  else if (tag === ATTRIBUTES_REQUEST) within(reader, draft, readRequest);
  else reader.skip(tag);
}

function readSource(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === PEER_CERTIFICATE) draft.certificate = reader.latin1();
  else reader.skip(tag);
}

function readDestination(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === PEER_ADDRESS) within(reader, draft, readAddress);
  else reader.skip(tag);
}

function readAddress(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === ADDRESS_SOCKET) within(reader, draft, readSocket);
  else reader.skip(tag);
}

function readSocket(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === SOCKET_PORT) draft.port = reader.number();
  else reader.skip(tag);
}

function readRequest(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === REQUEST_HTTP) within(reader, draft, readHttp);
  else reader.skip(tag);
}

function readHttp(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === HTTP_SCHEME) draft.scheme = reader.latin1();
  else if (tag === HTTP_HEADERS) readHeader(reader, draft);
  else if (tag === HTTP_HEADER_MAP) within(reader, draft, readHeaderOfMap);
  else reader.skip(tag);
}

function readHeaderOfMap(reader: ProtobufReader, tag: number, draft: Draft): void {
  if (tag === HEADER_MAP_HEADERS) readHeader(reader, draft);
  else reader.skip(tag);
}

function readHeader(reader: ProtobufReader, draft: Draft): void {
  const outer = reader.enter();
  let name = "";
  const values: Buffer[] = [];
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === HEADER_KEY) name = reader.latin1();
    else if (tag === HEADER_VALUE || tag === HEADER_RAW_VALUE) {
      const start = reader.bytesStart();
      values.push(reader.bytes.subarray(start, reader.position));
    } else reader.skip(tag);
  }
  // Envoy fills one of the two forms of a value. Both filled is two values, and two are refused.
  if (name.toLowerCase() === "dpop") {
    const filled = values.filter((value) => value.length > 0);
    draft.proofs = [...draft.proofs, ...(filled.length === 0 ? values.slice(0, 1) : filled)].slice(0, MAX_PROOFS);
  }
  reader.leave(outer);
}
