// What the frames mean that carry no request (RFC 9113 §6.3 to §6.9): each is checked, paid for and obeyed. An error of
// the connection is returned.

import type { FrameCredit } from "./frame-credit.ts";
import { PING_BYTES, type FrameWriter } from "./frame-writer.ts";
import { ACK, FRAME_SIZE_ERROR, NO_ERROR, PROTOCOL_ERROR, readUint31, type ErrorCode } from "./frame.ts";
import { SETTINGS_COST } from "./limits.ts";
import { SETTING_BYTES, type PeerSettings } from "./peer-settings.ts";
import type { Sender } from "./sender.ts";
import type { Streams } from "./streams.ts";

const PRIORITY_BYTES = 5;
const RST_STREAM_BYTES = 4;
const WINDOW_UPDATE_BYTES = 4;
/** §6.8: without its debug data. */
const GOAWAY_BYTES = 8;

export interface ControlFramesParts {
  readonly streams: Streams;
  readonly sender: Sender;
  readonly writer: FrameWriter;
  readonly credit: FrameCredit;
  readonly peer: PeerSettings;
  /** The answer to a PING of ours; `bytes` hold what it echoes, from `at` on. */
  readonly pinged: (bytes: Buffer, at: number) => void;
}

export class ControlFrames {
  private readonly parts: ControlFramesParts;

  constructor(parts: ControlFramesParts) {
    this.parts = parts;
  }

  /** §6.5 */
  settings(flags: number, id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    const { credit, peer, sender, streams, writer } = this.parts;
    if (id !== 0) return PROTOCOL_ERROR;
    if ((flags & ACK) !== 0) return to === from ? credit.spend(1) : FRAME_SIZE_ERROR;
    if ((to - from) % SETTING_BYTES !== 0) return FRAME_SIZE_ERROR;
    const windowBefore = peer.initialWindowBytes;
    const fault = peer.apply(bytes, from, to);
    if (fault !== NO_ERROR) return fault;
    const deltaBytes = peer.initialWindowBytes - windowBefore;
    const overflow = deltaBytes === 0 ? NO_ERROR : streams.shiftWindows(deltaBytes);
    if (overflow !== NO_ERROR) return overflow;
    writer.settingsAck(); // §6.5.3
    sender.pumpAll();
    return credit.spend(SETTINGS_COST);
  }

  /** §6.7 */
  ping(flags: number, id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    const { credit, pinged, writer } = this.parts;
    if (id !== 0) return PROTOCOL_ERROR;
    if (to - from !== PING_BYTES) return FRAME_SIZE_ERROR;
    if ((flags & ACK) !== 0) pinged(bytes, from);
    else writer.pingAck(bytes, from);
    return credit.spend(1);
  }

  /** §6.8: the peer will open no more streams. Those that are open go on. */
  goAway(id: number, from: number, to: number): ErrorCode {
    if (id !== 0) return PROTOCOL_ERROR;
    if (to - from < GOAWAY_BYTES) return FRAME_SIZE_ERROR;
    return this.parts.credit.spend(1);
  }

  /** §6.9 */
  windowUpdate(id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    const { credit, sender, streams } = this.parts;
    if (to - from !== WINDOW_UPDATE_BYTES) return FRAME_SIZE_ERROR;
    const incrementBytes = readUint31(bytes, from);
    if (id === 0) {
      if (incrementBytes === 0) return PROTOCOL_ERROR;
      const fault = sender.widen(incrementBytes);
      return fault === NO_ERROR ? credit.spend(1) : fault;
    }
    if (streams.isIdle(id)) return PROTOCOL_ERROR; // §5.1
    const stream = streams.find(id);
    if (stream === undefined) return credit.spend(1); // §5.1: may come for a while after the end
    const fault = incrementBytes === 0 ? PROTOCOL_ERROR : sender.widenStream(stream, incrementBytes);
    return fault === NO_ERROR ? credit.spend(1) : streams.fail(id, fault);
  }

  /** §6.4. Of a call in flight: whoever judges it is heard out, and the answer goes nowhere. */
  rstStream(id: number, from: number, to: number): ErrorCode {
    const { credit, streams } = this.parts;
    if (id === 0) return PROTOCOL_ERROR;
    if (to - from !== RST_STREAM_BYTES) return FRAME_SIZE_ERROR;
    if (streams.isIdle(id)) return PROTOCOL_ERROR; // §5.1
    const stream = streams.find(id);
    if (stream === undefined) return credit.spend(1);
    streams.close(stream);
    return NO_ERROR;
  }

  /** §6.3: means nothing any more (§5.3.2), but must look like one. */
  priority(id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    const { credit, streams } = this.parts;
    if (id === 0) return PROTOCOL_ERROR;
    const isOpen = streams.find(id) !== undefined;
    if (to - from !== PRIORITY_BYTES) return isOpen ? streams.fail(id, FRAME_SIZE_ERROR) : FRAME_SIZE_ERROR;
    // RFC 7540 §5.3.1: a stream cannot depend on itself.
    if (readUint31(bytes, from) === id) return isOpen ? streams.fail(id, PROTOCOL_ERROR) : PROTOCOL_ERROR;
    return credit.spend(1);
  }
}
