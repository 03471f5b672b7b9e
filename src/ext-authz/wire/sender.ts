// Sends answers as far as the peer's windows let them through (RFC 9113 §5.2, §6.9), and keeps what they do not. It
// knows gRPC's framing of a message, and nothing of calls.

import { OK_TRAILERS, RESPONSE_HEADERS, type Refusal } from "./answers.ts";
import {
  DATA,
  DEFAULT_WINDOW_BYTES,
  END_HEADERS,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_HEADER_BYTES,
  HEADERS,
  MAX_WINDOW_BYTES,
  NO_ERROR,
  writeFrameHeader,
  writeUint32,
  type ErrorCode,
} from "./frame.ts";
import type { FrameWriter } from "./frame-writer.ts";
import { PREFIX_BYTES } from "./incoming-message.ts";
import { MAX_BLOCKED_BYTES, MAX_FRAME_BYTES } from "./limits.ts";
import type { Output } from "./output.ts";
import type { Stream } from "./stream.ts";

/** HEADERS, DATA and prefix of an answer in one DATA frame; stream ids and lengths are filled in. */
const ANSWER_HEAD = Buffer.concat([
  headersFrame(RESPONSE_HEADERS, END_HEADERS),
  Buffer.alloc(FRAME_HEADER_BYTES + PREFIX_BYTES),
]);
const DATA_AT = FRAME_HEADER_BYTES + RESPONSE_HEADERS.length;
const ANSWER_TAIL = headersFrame(OK_TRAILERS, END_HEADERS | END_STREAM);
/** Of a stream id in a frame's header. */
const STREAM_ID_AT = 5;

function headersFrame(block: Buffer, flags: number): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  writeFrameHeader(header, 0, block.length, HEADERS, flags, 0);
  return Buffer.concat([header, block]);
}

export class Sender {
  private readonly output: Output;
  private readonly writer: FrameWriter;
  /** A stream's last frame was written. */
  private readonly ended: (stream: Stream) => void;
  private windowBytes: number;
  private readonly blockedStreams: Set<Stream>;
  /** Those of them that nothing but the connection's window holds up: others would be visited in vain when it opens. */
  private readonly starvedStreams: Set<Stream>;
  private blockedBytes: number;

  constructor(output: Output, writer: FrameWriter, ended: (stream: Stream) => void) {
    this.output = output;
    this.writer = writer;
    this.ended = ended;
    this.windowBytes = DEFAULT_WINDOW_BYTES;
    this.blockedStreams = new Set();
    this.starvedStreams = new Set();
    this.blockedBytes = 0;
  }

  /** More waits for the peer's windows than is kept for it. */
  get isOverfull(): boolean {
    return this.blockedBytes > MAX_BLOCKED_BYTES;
  }

  /** A whole answer: one message, status OK. */
  answer(stream: Stream, message: Buffer): void {
    const dataBytes = PREFIX_BYTES + message.length;
    const isFree = dataBytes <= this.windowBytes && dataBytes <= stream.sendWindowBytes;
    if (isFree && dataBytes <= MAX_FRAME_BYTES) this.answerAtOnce(stream, message, dataBytes);
    else {
      this.begin(stream);
      this.send(stream, message, OK_TRAILERS);
    }
  }

  /** The whole answer: Trailers-Only, or a page of plain HTTP. */
  refuse(stream: Stream, { headers, body }: Refusal): void {
    this.writer.headers(stream.id, headers, body === undefined);
    if (body === undefined) this.ended(stream);
    else this.enqueue(stream, body, true, undefined);
  }

  /** The header block before any number of messages. */
  begin(stream: Stream): void {
    this.writer.headers(stream.id, RESPONSE_HEADERS, false);
  }

  /** A message. With `trailers` it is the last. */
  send(stream: Stream, message: Buffer, trailers?: Buffer): void {
    const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
    framed[0] = 0;
    framed.set(message, writeUint32(framed, 1, message.length));
    this.enqueue(stream, framed, trailers !== undefined, trailers);
  }

  /** Status OK, once all messages are through. */
  end(stream: Stream): void {
    this.enqueue(stream, NOTHING, true, OK_TRAILERS);
  }

  /** Of a stream that is closed. */
  forget(stream: Stream): void {
    if (stream.blocked === undefined) return;
    this.blockedBytes -= stream.blocked.bytes.length - stream.blocked.sentBytes;
    this.unblock(stream);
  }

  /** §6.9: WINDOW_UPDATE of the connection. */
  widen(incrementBytes: number): ErrorCode {
    this.windowBytes += incrementBytes;
    if (this.windowBytes > MAX_WINDOW_BYTES) return FLOW_CONTROL_ERROR; // §6.9.1
    for (const stream of this.starvedStreams) {
      if (this.windowBytes <= 0) break;
      this.pump(stream);
    }
    return NO_ERROR;
  }

  /** §6.9: WINDOW_UPDATE of a stream. Other than NO_ERROR: the stream's error. */
  widenStream(stream: Stream, incrementBytes: number): ErrorCode {
    stream.sendWindowBytes += incrementBytes;
    if (stream.sendWindowBytes > MAX_WINDOW_BYTES) return FLOW_CONTROL_ERROR; // §6.9.1
    this.pump(stream);
    return NO_ERROR;
  }

  /** After windows of streams have changed otherwise. */
  pumpAll(): void {
    for (const stream of this.blockedStreams) this.pump(stream);
  }

  /** Streams whose peer has let nothing through since then. */
  stalledSince(atMs: number): readonly Stream[] {
    return [...this.blockedStreams].filter(({ blocked }) => blocked !== undefined && blocked.movedAtMs < atMs);
  }

  private answerAtOnce(stream: Stream, message: Buffer, dataBytes: number): void {
    const { output } = this;
    const { id } = stream;
    this.windowBytes -= dataBytes;
    stream.sendWindowBytes -= dataBytes;
    const at = output.reserve(ANSWER_HEAD.length + message.length + ANSWER_TAIL.length);
    const { chunk } = output;
    chunk.set(ANSWER_HEAD, at);
    writeUint32(chunk, at + STREAM_ID_AT, id);
    const prefixAt = writeFrameHeader(chunk, at + DATA_AT, dataBytes, DATA, 0, id);
    const messageAt = writeUint32(chunk, prefixAt + 1, message.length);
    chunk.set(message, messageAt);
    const tailAt = messageAt + message.length;
    chunk.set(ANSWER_TAIL, tailAt);
    writeUint32(chunk, tailAt + STREAM_ID_AT, id);
    this.ended(stream);
  }

  private enqueue(stream: Stream, bytes: Buffer, isLast: boolean, trailers: Buffer | undefined): void {
    this.blockedBytes += bytes.length;
    const { blocked } = stream;
    if (blocked === undefined) {
      stream.blocked = { bytes, sentBytes: 0, isLast, trailers, movedAtMs: performance.now() };
    } else {
      blocked.bytes = Buffer.concat([blocked.bytes.subarray(blocked.sentBytes), bytes]);
      blocked.sentBytes = 0;
      blocked.isLast = isLast;
      blocked.trailers = trailers;
    }
    this.pump(stream);
  }

  /** Sends what the windows let through. */
  private pump(stream: Stream): void {
    const { blocked } = stream;
    if (blocked === undefined) return;
    const { bytes, isLast, trailers } = blocked;
    const isEnd = isLast && trailers === undefined;
    while (blocked.sentBytes < bytes.length) {
      const room = Math.min(this.windowBytes, stream.sendWindowBytes, MAX_FRAME_BYTES);
      if (room <= 0) return this.block(stream);
      const count = Math.min(room, bytes.length - blocked.sentBytes);
      const to = blocked.sentBytes + count;
      this.writer.data(stream.id, bytes, blocked.sentBytes, to, isEnd && to === bytes.length);
      this.windowBytes -= count;
      stream.sendWindowBytes -= count;
      blocked.sentBytes += count;
      this.blockedBytes -= count;
      blocked.movedAtMs = performance.now();
    }
    this.unblock(stream);
    if (trailers !== undefined) this.writer.headers(stream.id, trailers, true);
    if (isLast) this.ended(stream);
  }

  private block(stream: Stream): void {
    this.blockedStreams.add(stream);
    if (stream.sendWindowBytes > 0) this.starvedStreams.add(stream);
    else this.starvedStreams.delete(stream);
  }

  private unblock(stream: Stream): void {
    stream.blocked = undefined;
    this.blockedStreams.delete(stream);
    this.starvedStreams.delete(stream);
  }
}

const NOTHING: Buffer = Buffer.alloc(0);
