// The words of HTTP/2 framing (RFC 9113 §4.1, §6, §7): numbers, and how a frame begins. It reads and decides nothing.

export const FRAME_HEADER_BYTES = 9;

/** RFC 9113 §6.9.2: both windows before anybody says otherwise. */
export const DEFAULT_WINDOW_BYTES = 65_535;
/** RFC 9113 §6.9.1. */
export const MAX_WINDOW_BYTES = 0x7fff_ffff;
/** RFC 9113 §5.1.1. */
export const MAX_STREAM_ID = 0x7fff_ffff;

// Frame types (§6).
export const DATA = 0;
export const HEADERS = 1;
export const PRIORITY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PUSH_PROMISE = 5;
export const PING = 6;
export const GOAWAY = 7;
export const WINDOW_UPDATE = 8;
export const CONTINUATION = 9;

// Flags (§6). ACK and END_STREAM share a bit, of different frames.
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const HAS_PRIORITY = 0x20;

/** §7. As the result of a rule it says what the connection ends with; NO_ERROR: nothing, go on. */
export const NO_ERROR = 0;
export const PROTOCOL_ERROR = 1;
export const INTERNAL_ERROR = 2;
export const FLOW_CONTROL_ERROR = 3;
export const STREAM_CLOSED = 5;
export const FRAME_SIZE_ERROR = 6;
export const REFUSED_STREAM = 7;
export const CANCEL = 8;
export const COMPRESSION_ERROR = 9;
export const ENHANCE_YOUR_CALM = 11;

export type ErrorCode = 0 | 1 | 2 | 3 | 5 | 6 | 7 | 8 | 9 | 11;

/** For the log. */
export const ERROR_NAMES: Readonly<Record<ErrorCode, string>> = {
  [NO_ERROR]: "NO_ERROR",
  [PROTOCOL_ERROR]: "PROTOCOL_ERROR",
  [INTERNAL_ERROR]: "INTERNAL_ERROR",
  [FLOW_CONTROL_ERROR]: "FLOW_CONTROL_ERROR",
  [STREAM_CLOSED]: "STREAM_CLOSED",
  [FRAME_SIZE_ERROR]: "FRAME_SIZE_ERROR",
  [REFUSED_STREAM]: "REFUSED_STREAM",
  [CANCEL]: "CANCEL",
  [COMPRESSION_ERROR]: "COMPRESSION_ERROR",
  [ENHANCE_YOUR_CALM]: "ENHANCE_YOUR_CALM",
};

/** Writes a frame's header (§4.1); returns where its payload begins. */
export function writeFrameHeader(
  target: Uint8Array,
  at: number,
  payloadBytes: number,
  type: number,
  flags: number,
  streamId: number,
): number {
  target[at] = payloadBytes >>> 16;
  target[at + 1] = payloadBytes >>> 8;
  target[at + 2] = payloadBytes;
  target[at + 3] = type;
  target[at + 4] = flags;
  return writeUint32(target, at + 5, streamId);
}

/** Big-endian; returns where it ends. */
export function writeUint32(target: Uint8Array, at: number, value: number): number {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
  return at + 4;
}

/** The 31 bits of a stream id or a window increment; the reserved one is ignored (§4.1, §6.9). */
export function readUint31(bytes: Uint8Array, at: number): number {
  return readUint32(bytes, at) & 0x7fff_ffff;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16);
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0;
}

export function readUint24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}
