// The streams of one connection and their states (RFC 9113 §5.1): which ids are idle, open, closed or reset by us, how
// many there may be, and what happens to a record when its stream ends. It knows neither requests nor answers.

import type { FrameCredit } from "./frame-credit.ts";
import type { FrameWriter } from "./frame-writer.ts";
import {
  FLOW_CONTROL_ERROR,
  MAX_WINDOW_BYTES,
  NO_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
  type ErrorCode,
} from "./frame.ts";
import type { PartialMessages } from "./incoming-message.ts";
import { NO_CALL_HEAD } from "./call-head.ts";
import { MAX_ABANDONED_CALLS, MAX_CONCURRENT_STREAMS, STREAM_ERROR_COST, STREAM_WINDOW_BYTES } from "./limits.ts";
import type { PeerSettings } from "./peer-settings.ts";
import type { Sender } from "./sender.ts";
import { Stream } from "./stream.ts";

/** Frames that were under way when we reset a stream name it still (§5.1, "closed"): as many are remembered. */
const REMEMBERED_RESET_COUNT = 512;
/** Records kept for later streams: about as many as are in use at once under load. */
const SPARE_RECORD_COUNT = 256;

export interface StreamsParts {
  readonly writer: FrameWriter;
  readonly credit: FrameCredit;
  readonly peer: PeerSettings;
  readonly partial: PartialMessages;
  /** The answer to a call has come: possibly after its stream was closed. */
  readonly replied: (stream: Stream, response: Buffer) => void;
  /** No stream is open any more. */
  readonly emptied: () => void;
}

export class Streams {
  /** The highest id that a client has used; all below that are not open are closed (§5.1.1). */
  lastId: number;
  /** Higher ids are ignored: the final GOAWAY has told so (§6.8). */
  private takenUpTo: number;
  private readonly open: Map<number, Stream>;
  private readonly parts: StreamsParts;
  private readonly sender: Sender;
  private readonly spare: Stream[];
  private readonly resetIds: Set<number>;
  private abandonedCount: number;

  constructor(parts: StreamsParts, sender: Sender) {
    this.lastId = 0;
    this.takenUpTo = Number.POSITIVE_INFINITY;
    this.open = new Map();
    this.parts = parts;
    this.sender = sender;
    this.spare = [];
    this.resetIds = new Set();
    this.abandonedCount = 0;
  }

  get openCount(): number {
    return this.open.size;
  }

  /** The last id that GOAWAY names: never a higher one than it has named before (§6.8), whatever was opened since. */
  get lastTakenId(): number {
    return Math.min(this.lastId, this.takenUpTo);
  }

  /** Nobody has opened it: the client not yet, or we, who never do (§5.1.1: even ids are ours). */
  isIdle(id: number): boolean {
    return id > this.lastId || id % 2 === 0;
  }

  /** Undefined: idle or closed. */
  find(id: number): Stream | undefined {
    return this.open.get(id);
  }

  all(): Iterable<Stream> {
    return this.open.values();
  }

  /** §5.1.2, and what reset streams have left behind (CVE-2023-44487). */
  get isFull(): boolean {
    return this.open.size >= MAX_CONCURRENT_STREAMS || this.abandonedCount >= MAX_ABANDONED_CALLS;
  }

  /** Frames of this closed stream mean nothing: we reset it, or said that we would not take it. */
  isIgnored(id: number): boolean {
    return id > this.takenUpTo || this.resetIds.has(id);
  }

  /** Ids above what was used so far are ignored from now on. */
  takeNoMore(): void {
    this.takenUpTo = this.lastId;
  }

  begin(id: number, nowMs: number): Stream {
    const { parts } = this;
    const stream = this.spare.pop() ?? new Stream(parts.partial, parts.replied);
    stream.id = id;
    stream.isOpen = true;
    stream.isReceiving = true;
    stream.receiveWindowBytes = STREAM_WINDOW_BYTES;
    stream.sendWindowBytes = parts.peer.initialWindowBytes;
    stream.bodyBytes = 0;
    stream.beganAtMs = nowMs;
    this.open.set(id, stream);
    parts.credit.earn();
    return stream;
  }

  /** A stream that cannot be taken now; its caller may try again (§8.7). */
  refuse(id: number): ErrorCode {
    this.reset(id, REFUSED_STREAM);
    return this.parts.credit.spend(1);
  }

  /** A stream error (§5.4.2); other than NO_ERROR: too many of them. */
  fail(id: number, code: ErrorCode): ErrorCode {
    this.reset(id, code);
    const stream = this.open.get(id);
    if (stream !== undefined) this.close(stream);
    return this.parts.credit.spend(STREAM_ERROR_COST);
  }

  /** A frame of a stream that is closed (§5.1). */
  failClosed(id: number): ErrorCode {
    return this.isIgnored(id) ? this.parts.credit.spend(1) : this.fail(id, STREAM_CLOSED);
  }

  /** Our last frame of it was written. Of a request that has not ended the rest is not wanted (§8.1). */
  endLocal(stream: Stream): void {
    if (stream.isReceiving) this.reset(stream.id, NO_ERROR);
    this.close(stream);
  }

  close(stream: Stream): void {
    if (!stream.isOpen) return;
    stream.isOpen = false;
    stream.isReceiving = false;
    this.open.delete(stream.id);
    this.sender.forget(stream);
    stream.message.drop();
    const { endWatch } = stream;
    stream.endWatch = undefined;
    endWatch?.();
    if (stream.isOwed) this.abandonedCount++;
    else this.recycle(stream);
    if (this.open.size === 0) this.parts.emptied();
  }

  closeAll(): void {
    for (const stream of this.open.values()) this.close(stream);
  }

  /** Nothing more will be heard of whoever judged it. */
  settle(stream: Stream): void {
    stream.isOwed = false;
    if (stream.isOpen) return;
    this.abandonedCount--;
    this.recycle(stream);
  }

  /** §6.9.2: the peer's initial window has changed by so much, for streams that are open too. Sends nothing yet. */
  shiftWindows(deltaBytes: number): ErrorCode {
    for (const stream of this.open.values()) {
      stream.sendWindowBytes += deltaBytes;
      if (stream.sendWindowBytes > MAX_WINDOW_BYTES) return FLOW_CONTROL_ERROR;
    }
    return NO_ERROR;
  }

  private reset(id: number, code: ErrorCode): void {
    this.parts.writer.resetStream(id, code);
    this.resetIds.add(id);
    if (this.resetIds.size <= REMEMBERED_RESET_COUNT) return;
    const [oldest] = this.resetIds;
    if (oldest !== undefined) this.resetIds.delete(oldest);
  }

  private recycle(stream: Stream): void {
    stream.head = NO_CALL_HEAD;
    if (this.spare.length < SPARE_RECORD_COUNT) this.spare.push(stream);
  }
}
