// Hands each frame to whoever knows its meaning, in the order that frames may come in (RFC 9113 §3.4, §4.3, §6).

import type { ControlFrames } from "./control-frames.ts";
import type { FrameCredit } from "./frame-credit.ts";
import type { FrameSink } from "./frame-reader.ts";
import {
  ACK,
  CONTINUATION,
  DATA,
  GOAWAY,
  HEADERS,
  PING,
  PRIORITY,
  PROTOCOL_ERROR,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
  type ErrorCode,
} from "./frame.ts";
import type { RequestFrames } from "./request-frames.ts";

export class FrameDispatch implements FrameSink {
  /** The client's preface is complete. */
  hasSettings: boolean;
  /** When what is being read came. */
  nowMs: number;
  private readonly requests: RequestFrames;
  private readonly control: ControlFrames;
  private readonly credit: FrameCredit;

  constructor(requests: RequestFrames, control: ControlFrames, credit: FrameCredit) {
    this.hasSettings = false;
    this.nowMs = 0;
    this.requests = requests;
    this.control = control;
    this.credit = credit;
  }

  frame(type: number, flags: number, id: number, bytes: Buffer, from: number, to: number): ErrorCode {
    const { control, requests } = this;
    if (!this.hasSettings) {
      if (type !== SETTINGS || (flags & ACK) !== 0) return PROTOCOL_ERROR; // §3.4
      this.hasSettings = true;
    }
    if (requests.isInsideBlock && type !== CONTINUATION) return PROTOCOL_ERROR; // §4.3
    switch (type) {
      case DATA:
        return requests.data(flags, id, bytes, from, to);
      case HEADERS:
        return requests.headers(flags, id, bytes, from, to, this.nowMs);
      case PRIORITY:
        return control.priority(id, bytes, from, to);
      case RST_STREAM:
        return control.rstStream(id, from, to);
      case SETTINGS:
        return control.settings(flags, id, bytes, from, to);
      case PUSH_PROMISE:
        return PROTOCOL_ERROR; // §8.4: clients cannot push
      case PING:
        return control.ping(flags, id, bytes, from, to);
      case GOAWAY:
        return control.goAway(id, from, to);
      case WINDOW_UPDATE:
        return control.windowUpdate(id, bytes, from, to);
      case CONTINUATION:
        return requests.continuation(flags, id, bytes, from, to, this.nowMs);
      default:
        return this.credit.spend(1); // §5.5: unknown ones are ignored
    }
  }
}
