// One stream's record: what the connection has to know of it until it is closed and answered. Records are used again
// for later streams, so that a call leaves nothing to collect. It decides nothing.

import { IncomingMessage, type PartialMessages } from "./incoming-message.ts";
import { NO_CALL_HEAD, type CallHead } from "./call-head.ts";

/** What a peer's windows have not let through yet. */
export interface Blocked {
  /** A body, or framed gRPC messages. */
  bytes: Buffer;
  sentBytes: number;
  /** False: more messages may follow. */
  isLast: boolean;
  /** After the last byte. */
  trailers: Buffer | undefined;
  /** When the windows last let something through. */
  movedAtMs: number;
}

export class Stream {
  id: number;
  head: CallHead;
  /** Neither side has closed it for good (RFC 9113 §5.1): it is in the connection's table. */
  isOpen: boolean;
  /** The peer may send more of the request: not half-closed (remote). */
  isReceiving: boolean;
  /** Whoever judges it has not answered, whether the stream is still open or not: the record must not be used again. */
  isOwed: boolean;
  /** What the peer may still send, and what we may (RFC 9113 §6.9). */
  receiveWindowBytes: number;
  sendWindowBytes: number;
  /** Payloads of DATA so far, padding excluded. */
  bodyBytes: number;
  /** When its HEADERS came. */
  beganAtMs: number;
  readonly message: IncomingMessage;
  blocked: Blocked | undefined;
  /** Of a health watch: the server's end of it. */
  endWatch: (() => void) | undefined;
  /** The answer to a Check. Made once per record, not once per call. */
  readonly reply: (response: Buffer) => void;

  constructor(partial: PartialMessages, replied: (stream: Stream, response: Buffer) => void) {
    this.id = 0;
    this.head = NO_CALL_HEAD;
    this.isOpen = false;
    this.isReceiving = false;
    this.isOwed = false;
    this.receiveWindowBytes = 0;
    this.sendWindowBytes = 0;
    this.bodyBytes = 0;
    this.beganAtMs = 0;
    this.message = new IncomingMessage(partial);
    this.blocked = undefined;
    this.endWatch = undefined;
    this.reply = (response) => replied(this, response);
  }
}
