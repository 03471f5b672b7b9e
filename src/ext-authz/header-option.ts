// Encodes header mutations for Envoy. Always overwrites: what is left to a default has once been read as "append".

import { lengthFieldBytes, stringField, varintField, writeLengthField } from "./protobuf-writer.ts";

/** Both OkHttpResponse.headers and DeniedHttpResponse.headers. */
const HEADERS = 2;
const OK_HEADERS_TO_REMOVE = 5;
/** OkHttpResponse.response_headers_to_add: of the answer that the client gets. */
const OK_RESPONSE_HEADERS = 6;
/** HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD (envoyproxy/envoy#43310). */
const OVERWRITE = varintField(3, 2);

/** HeaderValueOption.header, and in it HeaderValue.key and .value. */
const HEADER = 1;
const KEY = 1;
const VALUE = 2;

/**
 * The field that sets one header, written in one piece: each new token has several. `name` is ASCII, `value` not empty:
 * Envoy may drop an empty one and keep the client's.
 */
export function headerOption(name: string, value: string, field: number = HEADERS): Buffer {
  const valueBytes = Buffer.byteLength(value, "utf8");
  const headerBytes = lengthFieldBytes(KEY, name.length) + lengthFieldBytes(VALUE, valueBytes);
  const optionBytes = lengthFieldBytes(HEADER, headerBytes) + OVERWRITE.length;
  const encoded = Buffer.allocUnsafe(lengthFieldBytes(field, optionBytes));
  let at = writeLengthField(encoded, 0, field, optionBytes);
  at = writeLengthField(encoded, at, HEADER, headerBytes);
  at = writeLengthField(encoded, at, KEY, name.length);
  at += encoded.write(name, at, "latin1");
  at = writeLengthField(encoded, at, VALUE, valueBytes);
  at += encoded.write(value, at, "utf8");
  encoded.set(OVERWRITE, at);
  return encoded;
}

/** The field of an OkHttpResponse that sets a header of the answer to the client. */
export function answerHeader(name: string, value: string): Buffer {
  return headerOption(name, value, OK_RESPONSE_HEADERS);
}

/** The field of an OkHttpResponse that removes one header. */
export function removedHeader(name: string): Buffer {
  return stringField(OK_HEADERS_TO_REMOVE, name);
}
