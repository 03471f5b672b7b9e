// What HEADERS, CONTINUATION and DATA mean (RFC 9113 §6.1, §6.2, §6.10, §8.1): requests begin, go on and end, or break a
// rule. An error of the stream is dealt with here, one of the connection is returned.

import { TOO_MANY_FIELDS } from "./answers.ts";
import { BlockReader, type BlockOutcome } from "./block-reader.ts";
import type { Calls } from "./calls.ts";
import type { FrameCredit } from "./frame-credit.ts";
import type { FrameWriter } from "./frame-writer.ts";
import {
  COMPRESSION_ERROR,
  END_HEADERS,
  END_STREAM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  HAS_PRIORITY,
  NO_ERROR,
  PADDED,
  PROTOCOL_ERROR,
  readUint31,
  STREAM_CLOSED,
  type ErrorCode,
} from "./frame.ts";
import { NO_CALL_HEAD } from "./call-head.ts";
import { HeaderBlock } from "./header-block.ts";
import { CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES } from "./limits.ts";
import type { Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";

/** §6.2: dependency and weight, which mean nothing any more (§5.3). */
const PRIORITY_BYTES = 5;

export interface RequestFramesParts {
  readonly streams: Streams;
  readonly calls: Calls;
  readonly writer: FrameWriter;
  readonly credit: FrameCredit;
}

export class RequestFrames {
  private readonly parts: RequestFramesParts;
  private readonly reader: BlockReader;
  private readonly block: HeaderBlock;
  /** What the peer may still send on the connection (§6.9). */
  private windowBytes: number;

  constructor(parts: RequestFramesParts) {
    this.parts = parts;
    this.reader = new BlockReader();
    this.block = new HeaderBlock();
    this.windowBytes = CONNECTION_WINDOW_BYTES;
  }

  /** §4.3: until a block has ended, nothing but its CONTINUATION may come. */
  get isInsideBlock(): boolean {
    return this.block.streamId !== 0;
  }

  /** When the block began that has not ended; undefined: there is none. */
  get blockBeganAtMs(): number | undefined {
    return this.isInsideBlock ? this.block.beganAtMs : undefined;
  }

  /** §6.2 */
  headers(flags: number, id: number, bytes: Buffer, from: number, to: number, nowMs: number): ErrorCode {
    if (id % 2 === 0) return PROTOCOL_ERROR; // §5.1.1; 0 is none
    const optionalBytes = ((flags & PADDED) !== 0 ? 1 : 0) + ((flags & HAS_PRIORITY) !== 0 ? PRIORITY_BYTES : 0);
    if (to - from < optionalBytes) return FRAME_SIZE_ERROR; // §4.2
    const end = (flags & PADDED) === 0 ? to : to - (bytes[from] as number);
    const at = from + optionalBytes;
    if (end < at) return PROTOCOL_ERROR; // §6.2: more padding than there is room
    const { block } = this;
    block.endsStream = (flags & END_STREAM) !== 0;
    block.dependsOnItself = (flags & HAS_PRIORITY) !== 0 && readUint31(bytes, at - PRIORITY_BYTES) === id;
    if ((flags & END_HEADERS) !== 0) return this.whole(id, bytes, at, end, nowMs);
    block.streamId = id;
    block.beganAtMs = nowMs;
    return block.add(bytes.subarray(at, end));
  }

  /** §6.10 */
  continuation(flags: number, id: number, bytes: Buffer, from: number, to: number, nowMs: number): ErrorCode {
    const { block } = this;
    if (id === 0 || id !== block.streamId) return PROTOCOL_ERROR;
    const fault = block.add(bytes.subarray(from, to));
    if (fault !== NO_ERROR || (flags & END_HEADERS) === 0) return fault;
    const all = block.take();
    return this.whole(id, all, 0, all.length, nowMs);
  }

  /** §6.1 */
  data(flags: number, id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    if (id === 0 || this.parts.streams.isIdle(id)) return PROTOCOL_ERROR; // §5.1
    const fault = this.takeFromWindow(to - from);
    if (fault !== NO_ERROR) return fault;
    const isLast = (flags & END_STREAM) !== 0;
    if ((flags & PADDED) === 0) return this.payload(id, bytes, from, to, to - from, isLast);
    if (to === from) return FRAME_SIZE_ERROR; // §4.2
    const end = to - (bytes[from] as number);
    return end <= from ? PROTOCOL_ERROR : this.payload(id, bytes, from + 1, end, to - from, isLast);
  }

  /** Of DATA, without its padding, which counts all the same: `countedBytes`. */
  private payload(
    id: number,
    bytes: Buffer,
    from: number,
    to: number,
    countedBytes: number,
    isLast: boolean,
  ): ErrorCode {
    const { streams } = this.parts;
    const stream = streams.find(id);
    if (stream === undefined) return streams.failClosed(id);
    if (!stream.isReceiving) return streams.fail(id, STREAM_CLOSED); // §5.1: half-closed (remote)
    stream.receiveWindowBytes -= countedBytes;
    if (stream.receiveWindowBytes < 0) return streams.fail(id, FLOW_CONTROL_ERROR); // §6.9.1
    return this.body(stream, bytes, from, to, isLast);
  }

  private body(stream: Stream, bytes: Buffer, from: number, to: number, isLast: boolean): ErrorCode {
    const { calls, credit, streams } = this.parts;
    stream.bodyBytes += to - from;
    const { contentLength } = stream.head;
    const isTooLong = contentLength !== -1 && stream.bodyBytes > contentLength;
    if (isTooLong || (isLast && !isAsLongAsTold(stream))) return streams.fail(stream.id, PROTOCOL_ERROR);
    if (isLast) stream.isReceiving = false;
    else this.replenish(stream);
    calls.data(stream, bytes, from, to, isLast);
    return isLast || to > from ? NO_ERROR : credit.spend(1);
  }

  /** Of the connection (§6.9). Whatever is done with a stream's bytes, it is done at once. */
  private takeFromWindow(byteCount: number): ErrorCode {
    this.windowBytes -= byteCount;
    if (this.windowBytes < 0) return FLOW_CONTROL_ERROR; // §6.9.1
    if (this.windowBytes < CONNECTION_WINDOW_BYTES / 2) {
      this.parts.writer.windowUpdate(0, CONNECTION_WINDOW_BYTES - this.windowBytes);
      this.windowBytes = CONNECTION_WINDOW_BYTES;
    }
    return NO_ERROR;
  }

  private replenish(stream: Stream): void {
    if (stream.receiveWindowBytes >= STREAM_WINDOW_BYTES / 2) return;
    this.parts.writer.windowUpdate(stream.id, STREAM_WINDOW_BYTES - stream.receiveWindowBytes);
    stream.receiveWindowBytes = STREAM_WINDOW_BYTES;
  }

  /** A whole header block: a request, trailers, or of a stream that is closed. */
  private whole(id: number, bytes: Buffer, from: number, to: number, nowMs: number): ErrorCode {
    const { streams } = this.parts;
    const { dependsOnItself, endsStream } = this.block;
    const stream = streams.find(id);
    if (stream === undefined && id > streams.lastId) {
      const outcome = this.reader.read(bytes, from, to);
      if (outcome === "compression_error") return COMPRESSION_ERROR;
      streams.lastId = id; // §5.1.1: whatever becomes of it
      return this.request(id, dependsOnItself ? "malformed" : outcome, endsStream, nowMs);
    }
    const outcome = this.reader.readTrailers(bytes, from, to);
    if (outcome === "compression_error") return COMPRESSION_ERROR;
    // §5.1: of a stream that both sides have closed, HEADERS are a mistake about the whole connection.
    if (stream === undefined) return streams.isIgnored(id) ? streams.failClosed(id) : STREAM_CLOSED;
    return this.trailers(stream, outcome, endsStream);
  }

  private request(id: number, outcome: BlockOutcome, isLast: boolean, nowMs: number): ErrorCode {
    const { calls, streams } = this.parts;
    if (streams.isIgnored(id)) return streams.failClosed(id);
    if (outcome === "malformed") return streams.fail(id, PROTOCOL_ERROR); // §8.1.1
    if (streams.isFull) return streams.refuse(id);
    const stream = streams.begin(id, nowMs);
    stream.isReceiving = !isLast;
    const isTooLarge = outcome === "list_too_large";
    stream.head = isTooLarge ? { ...NO_CALL_HEAD, refusal: TOO_MANY_FIELDS } : this.reader.head;
    if (isLast && !isAsLongAsTold(stream)) return streams.fail(id, PROTOCOL_ERROR);
    calls.begin(stream);
    return NO_ERROR;
  }

  /** §8.1 */
  private trailers(stream: Stream, outcome: BlockOutcome, isLast: boolean): ErrorCode {
    const { calls, streams } = this.parts;
    if (!stream.isReceiving) return streams.fail(stream.id, STREAM_CLOSED); // §5.1: half-closed (remote)
    if (!isLast || outcome === "malformed" || !isAsLongAsTold(stream)) return streams.fail(stream.id, PROTOCOL_ERROR);
    stream.isReceiving = false;
    calls.end(stream);
    return NO_ERROR;
  }
}

/** §8.1.1: content-length, where told, is the length of the body. */
function isAsLongAsTold({ bodyBytes, head: { contentLength } }: Stream): boolean {
  return contentLength === -1 || contentLength === bodyBytes;
}
