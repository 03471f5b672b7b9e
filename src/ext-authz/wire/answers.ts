// Every header block that is ever sent, encoded once (gRPC over HTTP/2, "Responses"): how an answer begins, how it ends,
// and each refusal. None of them says anything of what was asked.

import { encodeHeaderBlock } from "./hpack-encoder.ts";

// Status codes of gRPC.
const OK = 0;
const INVALID_ARGUMENT = 3;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;
const INTERNAL = 13;

const CONTENT_TYPE = ["content-type", "application/grpc+proto"] as const;

/** Before the messages of an answer. */
export const RESPONSE_HEADERS: Buffer = encodeHeaderBlock([[":status", "200"], CONTENT_TYPE]);
/** After them. */
export const OK_TRAILERS: Buffer = encodeHeaderBlock([["grpc-status", String(OK)]]);

/** An answer that is none: with a body it is of plain HTTP, without one it is gRPC's "Trailers-Only". */
export interface Refusal {
  readonly headers: Buffer;
  readonly body: Buffer | undefined;
}

// Refusals whose peer speaks no gRPC. The body is for people.
export const NOT_GRPC: Refusal = plainRefusal("415", []);
export const NOT_POST: Refusal = plainRefusal("405", [["allow", "POST"]]);

// All others are "Trailers-Only".
export const UNKNOWN_METHOD: Refusal = refusal(UNIMPLEMENTED, "unknown service or method");
export const BAD_TIMEOUT: Refusal = refusal(INTERNAL, "grpc-timeout cannot be read");
export const TOO_MANY_FIELDS: Refusal = refusal(RESOURCE_EXHAUSTED, "metadata too large");
export const TOO_LARGE: Refusal = refusal(RESOURCE_EXHAUSTED, "message too large");
export const TOO_MUCH_AT_ONCE: Refusal = refusal(RESOURCE_EXHAUSTED, "too many large messages at once");
export const NOT_ONE_MESSAGE: Refusal = refusal(UNIMPLEMENTED, "a unary call has exactly one message");
export const BAD_FLAG: Refusal = refusal(INTERNAL, "compressed flag without grpc-encoding");
export const TOO_SLOW: Refusal = refusal(DEADLINE_EXCEEDED, "the request did not end in time");
export const NOT_A_HEALTH_CHECK: Refusal = refusal(INVALID_ARGUMENT, "not a HealthCheckRequest");
export const UNKNOWN_HEALTH_SERVICE: Refusal = refusal(NOT_FOUND, "unknown service");
/** gRPC compression: what would be understood has to be said. */
export const COMPRESSED: Refusal = refusal(UNIMPLEMENTED, "compression is not supported", [
  ["grpc-accept-encoding", "identity"],
]);

/** Plain ASCII without percent sign, which "Percent-Encoded" leaves as it is. */
function refusal(status: number, message: string, further: readonly (readonly [string, string])[] = []): Refusal {
  const fields = [["grpc-status", String(status)], ["grpc-message", message], ...further] as const;
  return { headers: encodeHeaderBlock([[":status", "200"], CONTENT_TYPE, ...fields]), body: undefined };
}

function plainRefusal(status: string, further: readonly (readonly [string, string])[]): Refusal {
  const body = Buffer.from("This is a gRPC server: POST, content-type application/grpc.\n");
  const length = ["content-length", String(body.length)] as const;
  const headers = encodeHeaderBlock([[":status", status], ["content-type", "text/plain"], length, ...further]);
  return { headers, body };
}
