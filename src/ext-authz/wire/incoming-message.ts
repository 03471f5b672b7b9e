// Puts the one message of a unary call together from DATA frames (gRPC over HTTP/2, "Length-Prefixed-Message"). It
// bounds what is kept of messages that are not whole, and knows nothing of what they mean.

import { readUint32 } from "./frame.ts";
import { MAX_MESSAGE_BYTES, MAX_PARTIAL_MESSAGES_BYTES } from "./limits.ts";

/** Compressed flag and length. */
export const PREFIX_BYTES = 5;

/** First room for a message that is not there whole; doubled until it fits, so that a mere prefix reserves nothing. */
const FIRST_ROOM_BYTES = 4_096;

/** What is wrong with a message; `excess`: more than one, or more than was said. */
export type MessageFault = "none" | "too_large" | "too_much_at_once" | "bad_flag" | "excess";

/** What all messages that are not whole yet take, over all connections of a server. */
export class PartialMessages {
  private bytes: number;

  constructor() {
    this.bytes = 0;
  }

  tryTake(bytes: number): boolean {
    if (this.bytes + bytes > MAX_PARTIAL_MESSAGES_BYTES) return false;
    this.bytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.bytes -= bytes;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

export class IncomingMessage {
  /** The message's compressed flag was set. */
  isCompressed: boolean;
  private readonly partial: PartialMessages;
  private held: Buffer;
  private heldBytes: number;
  /** Where it came whole and last: what it came with, and where in that it lies. */
  private whole: Buffer | undefined;
  private wholeFrom: number;
  private wholeTo: number;

  constructor(partial: PartialMessages) {
    this.isCompressed = false;
    this.partial = partial;
    this.held = NOTHING;
    this.heldBytes = 0;
    this.whole = undefined;
    this.wholeFrom = 0;
    this.wholeTo = 0;
  }

  /** Takes what `bytes` hold from `from` to `to`; they must not change. `isLast`: nothing will follow. */
  add(bytes: Buffer, from: number, to: number, isLast: boolean): MessageFault {
    if (this.heldBytes === 0 && isLast && to - from >= PREFIX_BYTES) {
      const fault = this.readPrefix(bytes, from, to - from);
      if (fault !== "none") return fault;
      this.whole = bytes;
      this.wholeFrom = from;
      this.wholeTo = to;
      return "none";
    }
    return to === from ? "none" : this.hold(bytes, from, to);
  }

  /** The message, once nothing more will follow; undefined: there is none, or not all of it. */
  take(): Buffer | undefined {
    const { whole } = this;
    const bytes = whole ?? this.held;
    const from = whole === undefined ? 0 : this.wholeFrom;
    const to = whole === undefined ? this.heldBytes : this.wholeTo;
    this.drop();
    const messageAt = from + PREFIX_BYTES;
    if (to < messageAt || to !== messageAt + readUint32(bytes, from + 1)) return undefined;
    return bytes.subarray(messageAt, to);
  }

  /** Forgets what it holds: ready for another message. */
  drop(): void {
    this.isCompressed = false;
    this.whole = undefined;
    if (this.held.length > 0) this.partial.giveBack(this.held.length);
    this.held = NOTHING;
    this.heldBytes = 0;
  }

  private hold(bytes: Buffer, from: number, to: number): MessageFault {
    const totalBytes = this.heldBytes + to - from;
    if (!this.makeRoom(totalBytes)) return "too_much_at_once";
    bytes.copy(this.held, this.heldBytes, from, to);
    this.heldBytes = totalBytes;
    return totalBytes < PREFIX_BYTES ? "none" : this.readPrefix(this.held, 0, totalBytes);
  }

  /** A copy: a piece that is kept would keep everything alive that came with it. */
  private makeRoom(bytes: number): boolean {
    if (bytes <= this.held.length) return true;
    const roomBytes = Math.max(bytes, this.held.length * 2, FIRST_ROOM_BYTES);
    if (!this.partial.tryTake(roomBytes)) return false;
    const larger = Buffer.allocUnsafeSlow(roomBytes);
    this.held.copy(larger, 0, 0, this.heldBytes);
    if (this.held.length > 0) this.partial.giveBack(this.held.length);
    this.held = larger;
    return true;
  }

  private readPrefix(bytes: Buffer, at: number, availableBytes: number): MessageFault {
    const flag = bytes[at] as number;
    const length = readUint32(bytes, at + 1);
    if (flag > 1) return "bad_flag";
    this.isCompressed = flag === 1;
    if (length > MAX_MESSAGE_BYTES) return "too_large";
    return availableBytes > PREFIX_BYTES + length ? "excess" : "none";
  }
}
