// Carries one plain unary call over an HTTP/2 stream (gRPC over HTTP2): one message in, one message or one status out.
// It knows neither services nor what the messages mean.

import { constants, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { readGrpcTimeout } from "./deadline.ts";

const { HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_STATUS } = constants;

/** Compressed flag and length before each message. */
const PREFIX_BYTES = 5;

// Refusals, by gRPC's status codes.
const RESOURCE_EXHAUSTED: OutgoingHttpHeaders = { "grpc-status": "8" };
const UNIMPLEMENTED: OutgoingHttpHeaders = { "grpc-status": "12" };
const INTERNAL: OutgoingHttpHeaders = { "grpc-status": "13" };
/** gRPC compression: what would be understood has to be said. */
const COMPRESSED: OutgoingHttpHeaders = { ...UNIMPLEMENTED, "grpc-accept-encoding": "identity" };

const RESPONSE_HEADERS: OutgoingHttpHeaders = {
  [HTTP2_HEADER_STATUS]: 200,
  [HTTP2_HEADER_CONTENT_TYPE]: "application/grpc+proto",
};
const RESPONSE_OPTIONS = { waitForTrailers: true, sendDate: false };
const OK_TRAILERS: OutgoingHttpHeaders = { "grpc-status": "0" };

const NOTHING: Buffer = Buffer.alloc(0);

/** Whether this file can carry the call. Other content types and strange time-outs it leaves be. */
export function isPlainCall(headers: IncomingHttpHeaders): boolean {
  const type = headers[HTTP2_HEADER_CONTENT_TYPE];
  const timeout = headers["grpc-timeout"];
  if (typeof type !== "string" || !type.startsWith("application/grpc")) return false;
  return timeout === undefined || timeoutMsOf(headers) !== undefined;
}

/** What the caller allows the call from its start on, in milliseconds; undefined: for ever. Of a plain call. */
export function timeoutMsOf(headers: IncomingHttpHeaders): number | undefined {
  const timeout = headers["grpc-timeout"];
  return typeof timeout === "string" ? readGrpcTimeout(timeout) : undefined;
}

/**
 * Hands the one message of `stream` to `received`, once it is there whole, or refuses the call. A caller that goes away
 * before is not heard of again.
 */
export function receiveMessage(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  maxBytes: number,
  received: (message: Buffer) => void,
): void {
  const encoding = headers["grpc-encoding"];
  const message = new IncomingMessage(maxBytes, encoding !== undefined && encoding !== "identity");
  stream.on("error", ignore);
  stream.on("data", (chunk: Buffer) => message.add(chunk));
  stream.on("end", () => {
    if (isGone(stream)) return;
    const { fault } = message;
    if (fault === undefined && message.isWhole) received(message.take());
    else refuse(stream, fault ?? UNIMPLEMENTED);
  });
}

/** The bytes of one message as they come; of a faulty one nothing is kept. */
class IncomingMessage {
  fault: OutgoingHttpHeaders | undefined;
  readonly #maxBytes: number;
  /** A compressed message is what its headers have promised. */
  readonly #isEncoded: boolean;
  /** The prefix and what came with it: the whole message, as a rule. */
  #head: Buffer | undefined;
  #rest: Buffer[] | undefined;
  #receivedBytes = 0;
  #expectedBytes = Number.POSITIVE_INFINITY;

  constructor(maxBytes: number, isEncoded: boolean) {
    this.fault = undefined;
    this.#maxBytes = maxBytes;
    this.#isEncoded = isEncoded;
  }

  get isWhole(): boolean {
    return this.#receivedBytes === this.#expectedBytes;
  }

  add(chunk: Buffer): void {
    if (this.fault !== undefined) return;
    this.#receivedBytes += chunk.length;
    if (this.#expectedBytes !== Number.POSITIVE_INFINITY) (this.#rest ??= []).push(chunk);
    else this.#begin(chunk);
    if (this.fault === undefined && this.#receivedBytes > this.#expectedBytes) this.#give(UNIMPLEMENTED);
  }

  /** Of a whole message. */
  take(): Buffer {
    const bytes = this.#head ?? NOTHING;
    return (this.#rest === undefined ? bytes : Buffer.concat([bytes, ...this.#rest])).subarray(PREFIX_BYTES);
  }

  #begin(chunk: Buffer): void {
    const head = this.#head === undefined ? chunk : Buffer.concat([this.#head, chunk]);
    this.#head = head;
    if (head.length < PREFIX_BYTES) return;
    const length = head.readUInt32BE(1);
    this.#expectedBytes = PREFIX_BYTES + length;
    if (head[0] !== 0) this.#give(this.#isEncoded && head[0] === 1 ? COMPRESSED : INTERNAL);
    else if (length > this.#maxBytes) this.#give(RESOURCE_EXHAUSTED);
  }

  #give(fault: OutgoingHttpHeaders): void {
    this.fault = fault;
    this.#head = undefined;
    this.#rest = undefined;
  }
}

/** Answers with one message and status OK; of a caller that has gone away nothing more is heard. */
export function sendMessage(stream: ServerHttp2Stream, message: Buffer): void {
  if (isGone(stream)) return;
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  stream.respond(RESPONSE_HEADERS, RESPONSE_OPTIONS);
  stream.on("wantTrailers", sendOkTrailers);
  stream.end(framed);
}

function refuse(stream: ServerHttp2Stream, refusal: OutgoingHttpHeaders): void {
  if (!isGone(stream)) stream.respond({ ...RESPONSE_HEADERS, ...refusal }, { endStream: true });
}

function sendOkTrailers(this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS);
}

function isGone(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed;
}

function ignore(): void {
  // A stream's error is followed by its close; there is nobody left to answer.
}
