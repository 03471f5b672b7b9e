// Encodes header mutations for Envoy. Always overwrites: what is left to a default has once been read as "append".

import { bytesField, stringField, varintField } from "./wire-writer.ts";

/** Both OkHttpResponse.headers and DeniedHttpResponse.headers. */
const HEADERS = 2;
const OK_HEADERS_TO_REMOVE = 5;
/** HeaderValueOption.HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD (envoyproxy/envoy#43310). */
const OVERWRITE = varintField(3, 2);

/** The field that sets one header. `value` is not empty: Envoy may drop an empty one and keep the client's. */
export function headerOption(name: string, value: string): Buffer {
  const header = bytesField(1, stringField(1, name), stringField(2, value));
  return bytesField(HEADERS, header, OVERWRITE);
}

/** The field of an OkHttpResponse that removes one header. */
export function removedHeader(name: string): Buffer {
  return stringField(OK_HEADERS_TO_REMOVE, name);
}
