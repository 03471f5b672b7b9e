// Collects the frames of all connections over one turn of the event loop, so that each connection's leave in one write.
// It bounds what a peer that does not read can make us keep; it knows no frame.

import type { Socket } from "node:net";
import { eventLoop } from "../../resilience/schedule.ts";
import { MAX_UNSENT_BYTES } from "./limits.ts";

/** A hundred answers fit; what does not fit goes into a further chunk of the same write. */
const CHUNK_BYTES = 65_536;
/** Chunks kept for the next turn, by all connections together. */
const SPARE_CHUNK_COUNT = 16;

/** The turn of the event loop: shared by all connections of a server. */
export class OutputTurn {
  private readonly spare: Buffer[];
  private waiting: Output[];
  private readonly flushAll: () => void;

  constructor() {
    this.spare = [];
    this.waiting = [];
    this.flushAll = () => {
      const outputs = this.waiting;
      this.waiting = [];
      for (const output of outputs) output.flush();
    };
  }

  /** `output` has something to send: at the end of this turn, when everybody has had a chance to add to it. */
  join(output: Output): void {
    if (this.waiting.length === 0) eventLoop.immediate(this.flushAll);
    this.waiting.push(output);
  }

  takeChunk(minBytes: number): Buffer {
    if (minBytes > CHUNK_BYTES) return Buffer.allocUnsafeSlow(minBytes);
    return this.spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
  }

  giveBack(chunk: Buffer): void {
    if (chunk.length === CHUNK_BYTES && this.spare.length < SPARE_CHUNK_COUNT) this.spare.push(chunk);
  }
}

/** What one connection sends. */
export class Output {
  /** Where to write: `byteCount` bytes from what `reserve` returned on. */
  chunk: Buffer;
  private usedBytes: number;
  /** Chunks of this turn that are full. */
  private full: Buffer[] | undefined;
  private hasJoined: boolean;
  private readonly turn: OutputTurn;
  private readonly socket: Socket;
  private readonly onStalled: () => void;

  /** `onStalled`: the kernel takes no more for now; the socket's `drain` says when it does again. */
  constructor(socket: Socket, turn: OutputTurn, onStalled: () => void) {
    this.chunk = NO_CHUNK;
    this.usedBytes = 0;
    this.full = undefined;
    this.hasJoined = false;
    this.turn = turn;
    this.socket = socket;
    this.onStalled = onStalled;
  }

  /** Makes room in `chunk`; returns where it begins. It is sent with this turn: fill it before returning to the loop. */
  reserve(byteCount: number): number {
    if (!this.hasJoined) {
      this.hasJoined = true;
      this.turn.join(this);
    }
    if (this.usedBytes + byteCount > this.chunk.length) this.nextChunk(byteCount);
    const at = this.usedBytes;
    this.usedBytes = at + byteCount;
    return at;
  }

  append(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length); // first: it may change `chunk`
    this.chunk.set(bytes, at);
  }

  /** Sends what there is. */
  flush(): void {
    this.hasJoined = false;
    const { chunk, full, socket, usedBytes } = this;
    if (usedBytes === 0 && full === undefined) return;
    this.chunk = NO_CHUNK;
    this.usedBytes = 0;
    this.full = undefined;
    if (!socket.writable) return;
    if (full === undefined) socket.write(chunk.subarray(0, usedBytes));
    else {
      socket.cork();
      for (const bytes of full) socket.write(bytes);
      socket.write(chunk.subarray(0, usedBytes));
      socket.uncork();
    }
    const unsentBytes = socket.writableLength;
    // Written through: nobody looks at these bytes any more. A socket that still has to send them keeps them.
    if (unsentBytes === 0) this.turn.giveBack(chunk);
    else if (unsentBytes > MAX_UNSENT_BYTES) socket.destroy();
    else if (socket.writableNeedDrain) this.onStalled();
  }

  private nextChunk(minBytes: number): void {
    if (this.usedBytes > 0) (this.full ??= []).push(this.chunk.subarray(0, this.usedBytes));
    this.chunk = this.turn.takeChunk(minBytes);
    this.usedBytes = 0;
  }
}

const NO_CHUNK: Buffer = Buffer.alloc(0);
