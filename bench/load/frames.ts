// The HTTP/2 frames that the loader writes and reads (RFC 9113 §4, §6). It knows bytes only: no streams, no meaning.

export const FRAME = {
  data: 0,
  headers: 1,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export const SETTING = { headerTableSize: 1, enablePush: 2, maxConcurrentStreams: 3, initialWindowSize: 4 } as const;

/** Length, type, flags, stream: RFC 9113 §4.1. */
export const FRAME_HEADER_BYTES = 9;

/** RFC 9113 §6.9.2: what may be sent before the other side says more, per stream and per connection. */
export const INITIAL_WINDOW_BYTES = 65_535;

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

/** Far beyond any answer here, so that the loader's own window never holds a server back. */
const RECEIVE_WINDOW_BYTES = 0x3fff_ffff;

/** One whole frame. */
export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

export function windowUpdate(streamId: number, incrementBytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(incrementBytes);
  return frame(FRAME.windowUpdate, 0, streamId, payload);
}

/** What a client says first: the preface, its SETTINGS and a wide connection window. */
export function opening(): Buffer {
  const settings = Buffer.alloc(12);
  settings.writeUInt16BE(SETTING.enablePush, 0);
  settings.writeUInt32BE(0, 2);
  settings.writeUInt16BE(SETTING.initialWindowSize, 6);
  settings.writeUInt32BE(RECEIVE_WINDOW_BYTES, 8);
  const window = windowUpdate(0, RECEIVE_WINDOW_BYTES - INITIAL_WINDOW_BYTES);
  return Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, settings), window]);
}

/** Calls `seen` for each setting of a SETTINGS payload. */
export function eachSetting(payload: Buffer, seen: (id: number, value: number) => void): void {
  for (let at = 0; at + 6 <= payload.length; at += 6) seen(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
}
