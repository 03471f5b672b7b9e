// One HTTP/2 connection without stream objects: sends prepared calls, reads frames, says how each call ended. It keeps
// the other side's windows and stream limit, and never sends a call that they do not allow.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { HpackDecoder } from "../../src/ext-authz/wire/hpack-decoder.ts";
import { isAllow } from "./answer.ts";
import type { Call } from "./calls.ts";
import {
  eachSetting,
  FLAG,
  FRAME,
  frame,
  FRAME_HEADER_BYTES,
  INITIAL_WINDOW_BYTES,
  opening,
  SETTING,
  windowUpdate,
} from "./frames.ts";
import type { Endpoint } from "./job.ts";

/** How many calls may be in flight on one connection; a power of two. */
const RING_COUNT = 65_536;
/** The received bytes after which the other side is given its window back. */
const WINDOW_RETURN_BYTES = 1 << 20;
const OUT_BYTES = 256 * 1024;
const RECEIVE_BYTES = 256 * 1024;
const PRIORITY_BYTES = 5;

/** What the last DATA or HEADERS of a stream left us thinking. */
const PENDING = 0;
const GOOD = 1;

export interface ConnectionEvents {
  /** A call is over. `failure` is undefined for a checked, positive answer; `dueAtMs` is what `send` was given. */
  ended(dueAtMs: number, failure: string | undefined): void;
  /** Every frame that has arrived so far is handled: more calls may be sent now. */
  turn(): void;
  /** The connection is of no more use; calls in flight will not end. */
  lost(why: string): void;
}

export class Connection {
  readonly #socket: Socket;
  readonly #kind: "grpc" | "http";
  readonly #events: ConnectionEvents;
  readonly #decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 65_536 });
  readonly #dueAtMs = new Float64Array(RING_COUNT);
  readonly #states = new Uint8Array(RING_COUNT);
  /** The begun message of a stream whose DATA came in pieces. */
  readonly #pieces = new Map<number, Buffer>();
  readonly #spare: Buffer[] = [];
  #out: Buffer = Buffer.allocUnsafe(OUT_BYTES);
  #outBytes = 0;
  #held: Buffer = Buffer.alloc(0);
  #headers: Buffer[] = [];
  #headersFlags = 0;
  #nextStreamId = 1;
  #inFlightCount = 0;
  #maxStreamCount = RING_COUNT - 1;
  #windowBytes = INITIAL_WINDOW_BYTES;
  #streamWindowBytes = INITIAL_WINDOW_BYTES;
  #unreturnedBytes = 0;
  #status = "";
  #grpcStatus = "";

  private constructor(endpoint: Endpoint, kind: "grpc" | "http", events: ConnectionEvents) {
    this.#kind = kind;
    this.#events = events;
    const buffer = Buffer.alloc(RECEIVE_BYTES);
    const onread = {
      buffer,
      callback: (byteCount: number): boolean => {
        this.#receive(buffer.subarray(0, byteCount));
        return true;
      },
    };
    this.#socket = connect({ ...endpoint, onread });
    this.#socket.setNoDelay(true);
  }

  /** Connects and says what a client says first; rejects when nobody listens. */
  static async open(endpoint: Endpoint, kind: "grpc" | "http", events: ConnectionEvents): Promise<Connection> {
    const connection = new Connection(endpoint, kind, events);
    const socket = connection.#socket;
    await once(socket, "connect");
    socket.on("error", (error) => events.lost(error.message));
    socket.on("close", () => events.lost("connection closed"));
    socket.write(opening());
    return connection;
  }

  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  canSend(call: Call): boolean {
    return (
      this.#inFlightCount < this.#maxStreamCount &&
      call.dataBytes <= this.#windowBytes &&
      call.dataBytes <= this.#streamWindowBytes
    );
  }

  /** Puts a call that `canSend` allowed into the next flush. */
  send(call: Call, dueAtMs: number): void {
    const streamId = this.#nextStreamId;
    const { bytes, dataAt } = streamId === 1 ? call.first : call.later;
    if (this.#outBytes + bytes.length > OUT_BYTES) this.flush();
    const at = this.#outBytes;
    bytes.copy(this.#out, at);
    this.#out.writeUInt32BE(streamId, at + 5);
    if (dataAt >= 0) this.#out.writeUInt32BE(streamId, at + dataAt + 5);
    this.#outBytes = at + bytes.length;
    const slot = (streamId >>> 1) % RING_COUNT;
    this.#dueAtMs[slot] = dueAtMs;
    this.#states[slot] = PENDING;
    this.#windowBytes -= call.dataBytes;
    this.#inFlightCount += 1;
    this.#nextStreamId += 2;
  }

  /** One write for everything sent since the last one. */
  flush(): void {
    if (this.#outBytes === 0) return;
    const full = this.#out;
    this.#socket.write(full.subarray(0, this.#outBytes), () => {
      this.#spare.push(full);
    });
    this.#out = this.#spare.pop() ?? Buffer.allocUnsafe(OUT_BYTES);
    this.#outBytes = 0;
  }

  /** The bytes are overwritten by what arrives next. */
  #receive(chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (at + FRAME_HEADER_BYTES <= bytes.length) {
      const end = at + FRAME_HEADER_BYTES + bytes.readUIntBE(at, 3);
      if (end > bytes.length) break;
      this.#frame(
        bytes[at + 3] as number,
        bytes[at + 4] as number,
        bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        bytes.subarray(at + FRAME_HEADER_BYTES, end),
      );
      at = end;
    }
    this.#held = at === bytes.length ? this.#held.subarray(0, 0) : Buffer.from(bytes.subarray(at));
    if (this.#unreturnedBytes > WINDOW_RETURN_BYTES) {
      this.#socket.write(windowUpdate(0, this.#unreturnedBytes));
      this.#unreturnedBytes = 0;
    }
    this.#events.turn();
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }

  #frame(type: number, flags: number, streamId: number, payload: Buffer): void {
    switch (type) {
      case FRAME.headers:
        this.#headersFlags = flags;
        this.#headers = [unpadded(payload, flags, (flags & FLAG.priority) === 0 ? 0 : PRIORITY_BYTES)];
        if ((flags & FLAG.endHeaders) !== 0) this.#headersDone(streamId);
        else this.#headers = this.#headers.map((part) => Buffer.from(part));
        return;
      case FRAME.continuation:
        this.#headers.push(Buffer.from(payload));
        if ((flags & FLAG.endHeaders) !== 0) this.#headersDone(streamId);
        return;
      case FRAME.data:
        this.#unreturnedBytes += payload.length;
        this.#data(streamId, unpadded(payload, flags, 0), (flags & FLAG.endStream) !== 0);
        return;
      case FRAME.resetStream:
        this.#end(streamId, `stream reset, code ${payload.readUInt32BE(0)}`);
        return;
      default:
        this.#control(type, flags, streamId, payload);
    }
  }

  #control(type: number, flags: number, streamId: number, payload: Buffer): void {
    if (type === FRAME.windowUpdate && streamId === 0) this.#windowBytes += payload.readUInt32BE(0);
    if (type === FRAME.settings && (flags & FLAG.ack) === 0) this.#settings(payload);
    if (type === FRAME.ping && (flags & FLAG.ack) === 0) this.#socket.write(frame(FRAME.ping, FLAG.ack, 0, payload));
    if (type === FRAME.goAway) this.#events.lost(`GOAWAY, code ${payload.readUInt32BE(4)}`);
    if (type === FRAME.pushPromise) this.#events.lost("PUSH_PROMISE, though pushes are off");
  }

  #settings(payload: Buffer): void {
    eachSetting(payload, (id, value) => {
      if (id === SETTING.maxConcurrentStreams) this.#maxStreamCount = Math.min(value, RING_COUNT - 1);
      if (id === SETTING.initialWindowSize) this.#streamWindowBytes = value;
      // Our blocks point into a table of the default size (RFC 9113 §6.5.2).
      if (id === SETTING.headerTableSize && value < 4096) this.#events.lost("the server wants a smaller header table");
    });
    this.#socket.write(frame(FRAME.settings, FLAG.ack, 0, Buffer.alloc(0)));
  }

  readonly #field = (name: string, value: string): void => {
    if (name === ":status") this.#status = value;
    if (name === "grpc-status") this.#grpcStatus = value;
  };

  #headersDone(streamId: number): void {
    const block = this.#headers.length === 1 ? (this.#headers[0] as Buffer) : Buffer.concat(this.#headers);
    this.#status = "";
    this.#grpcStatus = "";
    const outcome = this.#decoder.decode(block, this.#field);
    if (outcome !== "ok") return this.#events.lost(`a header block: ${outcome}`);
    const slot = (streamId >>> 1) % RING_COUNT;
    if (this.#kind === "http" && this.#status === "200") this.#states[slot] = GOOD;
    if (this.#kind === "http" && this.#status !== "200" && this.#status !== "")
      this.#end(streamId, `HTTP ${this.#status}`);
    else if ((this.#headersFlags & FLAG.endStream) !== 0) this.#end(streamId, this.#failureAtEnd(slot));
  }

  #failureAtEnd(slot: number): string | undefined {
    if (this.#kind === "grpc" && this.#grpcStatus !== "0") return `grpc-status ${this.#grpcStatus}`;
    return this.#states[slot] === GOOD ? undefined : "no allow in the answer";
  }

  #data(streamId: number, payload: Buffer, isLast: boolean): void {
    const slot = (streamId >>> 1) % RING_COUNT;
    if (this.#kind === "grpc" && payload.length > 0) this.#message(streamId, slot, payload);
    if (isLast) this.#end(streamId, this.#kind === "http" ? this.#failureAtEnd(slot) : "ended without trailers");
  }

  #message(streamId: number, slot: number, payload: Buffer): void {
    const begun = this.#pieces.get(streamId);
    const bytes = begun === undefined ? payload : Buffer.concat([begun, payload]);
    if (bytes.length < 5 || bytes.length < 5 + bytes.readUInt32BE(1)) {
      this.#pieces.set(streamId, Buffer.from(bytes));
      return;
    }
    if (begun !== undefined) this.#pieces.delete(streamId);
    const isOnlyMessage = bytes.length === 5 + bytes.readUInt32BE(1);
    if (isOnlyMessage && bytes[0] === 0 && isAllow(bytes.subarray(5))) this.#states[slot] = GOOD;
  }

  #end(streamId: number, failure: string | undefined): void {
    const slot = (streamId >>> 1) % RING_COUNT;
    const dueAtMs = this.#dueAtMs[slot] as number;
    // Nothing is in flight under this number: a frame after the end, as after a refused GET's status.
    if (dueAtMs === 0) return;
    this.#dueAtMs[slot] = 0;
    this.#inFlightCount -= 1;
    this.#events.ended(dueAtMs, failure);
  }
}

function unpadded(payload: Buffer, flags: number, skippedBytes: number): Buffer {
  if ((flags & FLAG.padded) === 0) return payload.subarray(skippedBytes);
  return payload.subarray(1 + skippedBytes, payload.length - (payload[0] as number));
}
