// Puts a header block together from HEADERS and CONTINUATION frames (RFC 9113 §4.3, §6.10), within bounds
// (CVE-2024-27316). It does not look into it.

import { ENHANCE_YOUR_CALM, NO_ERROR, type ErrorCode } from "./frame.ts";
import { MAX_CONTINUATION_FRAMES, MAX_HEADER_BLOCK_BYTES } from "./limits.ts";

export class HeaderBlock {
  /** 0: none is being put together. */
  streamId: number;
  endsStream: boolean;
  /** The priority in HEADERS named its own stream. */
  dependsOnItself: boolean;
  beganAtMs: number;
  private pieces: Buffer[];
  private bytes: number;

  constructor() {
    this.streamId = 0;
    this.endsStream = false;
    this.dependsOnItself = false;
    this.beganAtMs = 0;
    this.pieces = [];
    this.bytes = 0;
  }

  add(piece: Buffer): ErrorCode {
    this.pieces.push(piece);
    this.bytes += piece.length;
    const isFlood = this.bytes > MAX_HEADER_BLOCK_BYTES || this.pieces.length > 1 + MAX_CONTINUATION_FRAMES;
    return isFlood ? ENHANCE_YOUR_CALM : NO_ERROR;
  }

  /** The whole block; another may begin. */
  take(): Buffer {
    const block = Buffer.concat(this.pieces);
    this.pieces = [];
    this.bytes = 0;
    this.streamId = 0;
    return block;
  }
}
