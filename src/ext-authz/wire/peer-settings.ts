// SETTINGS (RFC 9113 §6.5): ours, as they are announced, and the peer's, checked. What follows from a change is the
// connection's matter.

import {
  DEFAULT_WINDOW_BYTES,
  FLOW_CONTROL_ERROR,
  FRAME_HEADER_BYTES,
  MAX_WINDOW_BYTES,
  NO_ERROR,
  PROTOCOL_ERROR,
  readUint32,
  SETTINGS,
  WINDOW_UPDATE,
  writeFrameHeader,
  writeUint32,
  type ErrorCode,
} from "./frame.ts";
import {
  CONNECTION_WINDOW_BYTES,
  HEADER_TABLE_BYTES,
  MAX_CONCURRENT_STREAMS,
  MAX_FRAME_BYTES,
  MAX_HEADER_LIST_BYTES,
  STREAM_WINDOW_BYTES,
} from "./limits.ts";

// Identifiers (§6.5.2).
const SETTINGS_HEADER_TABLE_SIZE = 1;
const SETTINGS_ENABLE_PUSH = 2;
const SETTINGS_MAX_CONCURRENT_STREAMS = 3;
const SETTINGS_INITIAL_WINDOW_SIZE = 4;
const SETTINGS_MAX_FRAME_SIZE = 5;
const SETTINGS_MAX_HEADER_LIST_SIZE = 6;

export const SETTING_BYTES = 6;

/** §6.5.2: of SETTINGS_MAX_FRAME_SIZE. */
const LARGEST_FRAME_BYTES = 0xff_ffff;

/** What the server says first (§3.4), and the rest of its connection window (§6.9.2). */
export const SERVER_PREFACE: Buffer = Buffer.concat([
  settingsFrame([
    [SETTINGS_HEADER_TABLE_SIZE, HEADER_TABLE_BYTES],
    [SETTINGS_MAX_CONCURRENT_STREAMS, MAX_CONCURRENT_STREAMS],
    [SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES],
    [SETTINGS_MAX_FRAME_SIZE, MAX_FRAME_BYTES],
    [SETTINGS_MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST_BYTES],
  ]),
  connectionWindowFrame(CONNECTION_WINDOW_BYTES - DEFAULT_WINDOW_BYTES),
]);

function settingsFrame(settings: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + settings.length * SETTING_BYTES);
  let at = writeFrameHeader(frame, 0, settings.length * SETTING_BYTES, SETTINGS, 0, 0);
  for (const [identifier, value] of settings) at = writeUint32(frame, frame.writeUInt16BE(identifier, at), value);
  return frame;
}

function connectionWindowFrame(incrementBytes: number): Buffer {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES + 4);
  writeUint32(frame, writeFrameHeader(frame, 0, 4, WINDOW_UPDATE, 0, 0), incrementBytes);
  return frame;
}

/** What the peer lets us send. */
export class PeerSettings {
  initialWindowBytes: number;

  constructor() {
    this.initialWindowBytes = DEFAULT_WINDOW_BYTES;
  }

  /** Takes a payload of whole settings, in their order (§6.5.3). Other than NO_ERROR: one of them is impossible. */
  apply(bytes: Buffer, from: number, to: number): ErrorCode {
    for (let at = from; at < to; at += SETTING_BYTES) {
      const fault = this.set(bytes.readUInt16BE(at), readUint32(bytes, at + 2));
      if (fault !== NO_ERROR) return fault;
    }
    return NO_ERROR;
  }

  /**
   * §6.5.2. The table size binds an encoder that uses the table, the others whoever opens streams: we do neither. Nor do
   * we send frames above the smallest maximum there can be.
   */
  private set(identifier: number, value: number): ErrorCode {
    switch (identifier) {
      case SETTINGS_ENABLE_PUSH:
        return value > 1 ? PROTOCOL_ERROR : NO_ERROR;
      case SETTINGS_INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW_BYTES) return FLOW_CONTROL_ERROR;
        this.initialWindowBytes = value;
        return NO_ERROR;
      case SETTINGS_MAX_FRAME_SIZE:
        return value < MAX_FRAME_BYTES || value > LARGEST_FRAME_BYTES ? PROTOCOL_ERROR : NO_ERROR;
      default:
        return NO_ERROR; // §6.5.2: unknown ones are ignored
    }
  }
}
