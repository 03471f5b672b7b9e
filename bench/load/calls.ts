// The calls that the loader sends, ready as bytes: only the stream's number is written in when one goes out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FLAG, FRAME, frame } from "./frames.ts";
import { encodeBlocks, type SentField } from "./hpack.ts";

/** Frames of one call with stream 0; `dataAt` is where the DATA frame begins, −1 when there is none. */
export interface CallBytes {
  readonly bytes: Buffer;
  readonly dataAt: number;
}

export interface Call {
  /** As the first call of a connection, and as any later one. */
  readonly first: CallBytes;
  readonly later: CallBytes;
  /** What it takes of the send window. */
  readonly dataBytes: number;
}

/** As a real Envoy 1.40 heads a Check (captured): the path spelt out each time, the others indexed. */
const CHECK_FIELDS: readonly SentField[] = [
  { name: ":method", value: "POST", as: "indexed" },
  { name: ":path", value: "/envoy.service.auth.v3.Authorization/Check", as: "literal" },
  { name: ":authority", value: "portcullis", as: "indexed" },
  { name: ":scheme", value: "http", as: "indexed" },
  { name: "te", value: "trailers", as: "indexed" },
  { name: "grpc-timeout", value: "200m", as: "indexed" },
  { name: "content-type", value: "application/grpc", as: "indexed" },
  { name: "x-envoy-internal", value: "true", as: "indexed" },
  { name: "x-forwarded-for", value: "10.0.1.9", as: "indexed" },
  { name: "x-envoy-expected-rq-timeout-ms", value: "200", as: "indexed" },
];

function getFields(path: string, token: string): readonly SentField[] {
  return [
    { name: ":method", value: "GET", as: "indexed" },
    { name: ":scheme", value: "http", as: "indexed" },
    { name: ":path", value: path, as: "indexed" },
    { name: ":authority", value: "api.shop.example", as: "indexed" },
    { name: "accept", value: "application/json", as: "indexed" },
    { name: "accept-encoding", value: "gzip, br", as: "indexed" },
    { name: "accept-language", value: "en-GB,en;q=0.8", as: "indexed" },
    { name: "authorization", value: `Bearer ${token}`, as: "secret" },
    { name: "referer", value: "https://shop.example/orders", as: "indexed" },
    {
      name: "user-agent",
      value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
      as: "indexed",
    },
    { name: "traceparent", value: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", as: "indexed" },
  ];
}

/** A gRPC call of Check with this CheckRequest. */
export function checkCall(request: Buffer): Call {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(request.length, 1);
  const message = Buffer.concat([prefix, request]);
  const data = frame(FRAME.data, FLAG.endStream, 0, message);
  const { first, later } = encodeBlocks(CHECK_FIELDS);
  return { first: withData(first, data), later: withData(later, data), dataBytes: message.length };
}

/** A GET with this bearer token. */
function getCall(path: string, token: string): Call {
  const { first, later } = encodeBlocks(getFields(path, token));
  return { first: withoutData(first), later: withoutData(later), dataBytes: 0 };
}

function withData(block: Buffer, data: Buffer): CallBytes {
  const headers = frame(FRAME.headers, FLAG.endHeaders, 0, block);
  return { bytes: Buffer.concat([headers, data]), dataAt: headers.length };
}

function withoutData(block: Buffer): CallBytes {
  return { bytes: frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 0, block), dataAt: -1 };
}

/** The CheckRequests of a fixtures folder: each preceded by its length in four bytes. */
export function readCheckCalls(folder: string, alg: string, count: number): Call[] {
  const file = readFileSync(join(folder, `bodies-${alg}.bin`));
  const calls: Call[] = [];
  for (let at = 0; at < file.length && calls.length < count;) {
    const length = file.readUInt32BE(at);
    calls.push(checkCall(file.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return calls;
}

/** GETs with the tokens of a fixtures folder: one a line. */
export function readGetCalls(folder: string, alg: string, count: number, path: string): Call[] {
  const tokens = readFileSync(join(folder, `tokens-${alg}.txt`), "latin1")
    .split("\n")
    .filter((line) => line !== "");
  return tokens.slice(0, count).map((token) => getCall(path, token));
}
