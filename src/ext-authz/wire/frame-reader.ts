// Cuts what a socket brings into frames (RFC 9113 §3.4, §4.1), wherever the pieces end. It knows the client preface and
// the frame size, and no other rule: what a frame means is its sink's matter.

import {
  FRAME_HEADER_BYTES,
  FRAME_SIZE_ERROR,
  NO_ERROR,
  PROTOCOL_ERROR,
  readUint24,
  readUint31,
  type ErrorCode,
} from "./frame.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";

export interface FrameSink {
  /**
   * One whole frame; its payload is `bytes` from `from` to `to`, which will not change. Other than NO_ERROR: the
   * connection ends with it, and nothing more is read.
   */
  frame(type: number, flags: number, streamId: number, bytes: Buffer, from: number, to: number): ErrorCode;
}

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

const NO_PAYLOAD = Buffer.alloc(0);

export class FrameReader {
  private readonly sink: FrameSink;
  private prefaceBytes: number;
  /** Of a frame that is not there whole: as much of its header as has come, and then its payload. */
  private readonly header: Buffer;
  private headerBytes: number;
  private payload: Buffer | undefined;
  private payloadBytes: number;

  constructor(sink: FrameSink) {
    this.sink = sink;
    this.prefaceBytes = 0;
    this.header = Buffer.alloc(FRAME_HEADER_BYTES);
    this.headerBytes = 0;
    this.payload = undefined;
    this.payloadBytes = 0;
  }

  /** Takes what has come, which must not change later. Other than NO_ERROR: call it no more. */
  push(chunk: Buffer): ErrorCode {
    let at = 0;
    for (; this.prefaceBytes < PREFACE.length && at < chunk.length; at++) {
      if (chunk[at] !== PREFACE[this.prefaceBytes++]) return PROTOCOL_ERROR; // §3.4
    }
    if (this.headerBytes > 0) {
      at = this.fillHeader(chunk, at);
      if (this.headerBytes < FRAME_HEADER_BYTES) return NO_ERROR;
      const payloadBytes = readUint24(this.header, 0);
      if (payloadBytes > MAX_FRAME_BYTES) return FRAME_SIZE_ERROR; // §4.2
      at = this.fillPayload(chunk, at, payloadBytes);
      if (this.payloadBytes < payloadBytes) return NO_ERROR;
      const fault = this.takeHeld();
      if (fault !== NO_ERROR) return fault;
    }
    return this.pushFrames(chunk, at);
  }

  private pushFrames(chunk: Buffer, from: number): ErrorCode {
    const { sink } = this;
    let at = from;
    while (chunk.length - at >= FRAME_HEADER_BYTES) {
      const payloadBytes = readUint24(chunk, at);
      if (payloadBytes > MAX_FRAME_BYTES) return FRAME_SIZE_ERROR; // §4.2
      const payloadAt = at + FRAME_HEADER_BYTES;
      const end = payloadAt + payloadBytes;
      if (end > chunk.length) break;
      const type = chunk[at + 3] as number;
      const fault = sink.frame(type, chunk[at + 4] as number, readUint31(chunk, at + 5), chunk, payloadAt, end);
      if (fault !== NO_ERROR) return fault;
      at = end;
    }
    if (at === chunk.length) return NO_ERROR;
    at = this.fillHeader(chunk, at);
    if (this.headerBytes === FRAME_HEADER_BYTES) this.fillPayload(chunk, at, readUint24(this.header, 0));
    return NO_ERROR;
  }

  private fillHeader(chunk: Buffer, from: number): number {
    const count = Math.min(FRAME_HEADER_BYTES - this.headerBytes, chunk.length - from);
    chunk.copy(this.header, this.headerBytes, from, from + count);
    this.headerBytes += count;
    return from + count;
  }

  private fillPayload(chunk: Buffer, from: number, wantedBytes: number): number {
    this.payload ??= Buffer.allocUnsafe(wantedBytes);
    const count = Math.min(wantedBytes - this.payloadBytes, chunk.length - from);
    chunk.copy(this.payload, this.payloadBytes, from, from + count);
    this.payloadBytes += count;
    return from + count;
  }

  private takeHeld(): ErrorCode {
    const { header, payload = NO_PAYLOAD, sink } = this;
    this.headerBytes = 0;
    this.payload = undefined;
    this.payloadBytes = 0;
    const type = header[3] as number;
    return sink.frame(type, header[4] as number, readUint31(header, 5), payload, 0, payload.length);
  }
}
