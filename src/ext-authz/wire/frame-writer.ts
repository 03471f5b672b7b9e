// Writes the frames that a server of unary calls sends (RFC 9113 §6). When to send which is for others to say.

import {
  ACK,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEADER_BYTES,
  GOAWAY,
  HEADERS,
  PING,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHeader,
  writeUint32,
  type ErrorCode,
} from "./frame.ts";
import type { Output } from "./output.ts";

/** RFC 9113 §6.7. */
export const PING_BYTES = 8;

export class FrameWriter {
  private readonly output: Output;

  constructor(output: Output) {
    this.output = output;
  }

  /** A whole header block, in one frame. */
  headers(streamId: number, block: Buffer, endsStream: boolean): void {
    const flags = endsStream ? END_HEADERS | END_STREAM : END_HEADERS;
    const at = this.begin(HEADERS, flags, streamId, block.length);
    this.output.chunk.set(block, at);
  }

  data(streamId: number, bytes: Buffer, from: number, to: number, endsStream: boolean): void {
    const at = this.begin(DATA, endsStream ? END_STREAM : 0, streamId, to - from);
    bytes.copy(this.output.chunk, at, from, to);
  }

  resetStream(streamId: number, code: ErrorCode): void {
    const at = this.begin(RST_STREAM, 0, streamId, 4);
    writeUint32(this.output.chunk, at, code);
  }

  /** `streamId` 0: of the connection. */
  windowUpdate(streamId: number, incrementBytes: number): void {
    const at = this.begin(WINDOW_UPDATE, 0, streamId, 4);
    writeUint32(this.output.chunk, at, incrementBytes);
  }

  settingsAck(): void {
    this.begin(SETTINGS, ACK, 0, 0);
  }

  ping(opaque: Buffer): void {
    const at = this.begin(PING, 0, 0, PING_BYTES);
    this.output.chunk.set(opaque, at);
  }

  /** Echoes what the PING in `bytes` at `from` held. */
  pingAck(bytes: Buffer, from: number): void {
    const at = this.begin(PING, ACK, 0, PING_BYTES);
    bytes.copy(this.output.chunk, at, from, from + PING_BYTES);
  }

  goAway(lastStreamId: number, code: ErrorCode): void {
    const at = this.begin(GOAWAY, 0, 0, 8);
    writeUint32(this.output.chunk, writeUint32(this.output.chunk, at, lastStreamId), code);
  }

  private begin(type: number, flags: number, streamId: number, payloadBytes: number): number {
    const at = this.output.reserve(FRAME_HEADER_BYTES + payloadBytes);
    return writeFrameHeader(this.output.chunk, at, payloadBytes, type, flags, streamId);
  }
}
