// A client of HTTP/2 that keeps to no rule it is not told to: a raw socket that sends any frames and keeps what comes.
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { encodeHeaderBlock } from "../../src/ext-authz/wire/hpack-encoder.ts";
import { HpackDecoder } from "../../src/ext-authz/wire/hpack-decoder.ts";
import { FLAG, FRAME, frame, FrameAssembler, PREFACE, settings, uint32, type Frame } from "./http2-frames.ts";
import { until } from "./wait.ts";

const CHECK_PATH = "/envoy.service.auth.v3.Authorization/Check";

export type Header = readonly [name: string, value: string];

export const CHECK_HEADERS: readonly Header[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", CHECK_PATH],
  [":authority", "check"],
  ["te", "trailers"],
  ["content-type", "application/grpc"],
];

/** A gRPC message as DATA carries it; `lengthBytes`: the length to claim. */
export function message(bytes: Uint8Array, lengthBytes: number = bytes.length): Buffer {
  return Buffer.concat([Buffer.of(0), uint32(lengthBytes), bytes]);
}

/** HEADERS that begin a Check, whose DATA is still to come. */
export function checkHeaders(streamId: number, headers: readonly Header[] = CHECK_HEADERS): Buffer {
  return frame(FRAME.headers, FLAG.endHeaders, streamId, encodeHeaderBlock(headers));
}

/** RFC 9113 §4.2: the largest payload that may be sent unasked. */
const FRAME_BYTES = 16_384;

/** A whole Check. */
export function check(streamId: number, text: string): Buffer {
  const body = message(Buffer.from(text));
  const frames = [checkHeaders(streamId)];
  for (let at = 0; at < body.length; at += FRAME_BYTES) {
    const end = Math.min(at + FRAME_BYTES, body.length);
    frames.push(frame(FRAME.data, end === body.length ? FLAG.endStream : 0, streamId, body.subarray(at, end)));
  }
  return Buffer.concat(frames);
}

/** What has come of one call. */
export interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The code of RST_STREAM, if one came. */
  readonly resetCode: number | undefined;
}

export class Http2Peer {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  readonly #assembler = new FrameAssembler();
  readonly #decoder = new HpackDecoder({ maxTableBytes: 4096, maxListBytes: 1 << 20 });
  readonly #answers = new Map<
    number,
    { headers: Record<string, string>; body: Buffer[]; resetCode?: number; isOver: boolean }
  >();
  #isClosed = false;

  constructor(address: string, tls?: ConnectionOptions) {
    const target = { host: "127.0.0.1", port: Number(address.slice(address.lastIndexOf(":") + 1)) };
    this.socket = tls === undefined ? connect(target) : connectTls({ ...tls, ...target, ALPNProtocols: ["h2"] });
    this.socket.setNoDelay(true);
    this.socket.on("error", () => undefined); // a reset is one way to be shown out
    this.socket.on("close", () => (this.#isClosed = true));
    this.socket.on("data", (bytes: Buffer) => {
      for (const one of this.#assembler.push(bytes)) this.#received(one);
    });
  }

  /** Connects and says what a client says first. */
  static async open(
    address: string,
    said: readonly (readonly [number, number])[] = [],
    tls?: ConnectionOptions,
  ): Promise<Http2Peer> {
    const peer = new Http2Peer(address, tls);
    peer.send(PREFACE, settings(said), frame(FRAME.settings, FLAG.ack, 0));
    await peer.first("SETTINGS of the server", ({ type }) => type === FRAME.settings);
    return peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(...pieces: readonly Uint8Array[]): void {
    if (!this.#isClosed) this.socket.write(pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces));
  }

  /** Sends `piece` again and again, as fast as it is taken, until `times` are through or the server has had enough. */
  async flood(times: number, piece: (at: number) => Buffer): Promise<void> {
    const perWrite = 500;
    for (let at = 0; at < times && !this.#isClosed && this.goAwayCode === undefined; at += perWrite) {
      const batch = Array.from({ length: Math.min(perWrite, times - at) }, (_, step) => piece(at + step));
      const isTaken = this.socket.write(Buffer.concat(batch));
      await new Promise((resolve) => setImmediate(resolve)); // a turn, to hear what is said
      if (!isTaken)
        await until("room in the socket", () => !this.socket.writableNeedDrain || this.#isClosed, 30_000, 1);
    }
  }

  first(what: string, wanted: (frame: Frame) => boolean, timeoutMs?: number): Promise<Frame> {
    return until(what, () => this.frames.find(wanted), timeoutMs, 2);
  }

  /** The answer to a call, once it is over. */
  answer(streamId: number, timeoutMs?: number): Promise<Answer> {
    return until(
      `the end of stream ${streamId}`,
      () => {
        const known = this.#answers.get(streamId);
        if (known === undefined || !known.isOver) return undefined;
        return { headers: known.headers, body: Buffer.concat(known.body), resetCode: known.resetCode };
      },
      timeoutMs,
      2,
    );
  }

  /** Bytes of DATA that have come of a call so far; undefined: nothing at all has. */
  bodyBytes(streamId: number): number | undefined {
    return this.#answers.get(streamId)?.body.reduce((sum, { length }) => sum + length, 0);
  }

  /** The first error that a GOAWAY named. */
  get goAwayCode(): number | undefined {
    return this.frames
      .filter(({ type }) => type === FRAME.goAway)
      .map(({ payload }) => payload.readUInt32BE(4))
      .find((code) => code !== 0);
  }

  /** The error that the connection was ended with, once it is; "none" where it was just closed. */
  async end(timeoutMs?: number): Promise<number | "none"> {
    await until("the end of the connection", () => this.#isClosed, timeoutMs, 2);
    return this.goAwayCode ?? "none";
  }

  /** Resolves when the server has handled all that was sent before: it answers a PING. */
  async settled(timeoutMs?: number): Promise<void> {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(Math.random());
    this.send(frame(FRAME.ping, 0, 0, bytes));
    await this.first(
      "the answer to a PING",
      ({ type, payload }) => type === FRAME.ping && payload.equals(bytes),
      timeoutMs,
    );
  }

  close(): void {
    this.socket.destroy();
  }

  #received(one: Frame): void {
    // DATA of calls is kept with their answers; all others are few.
    if (one.type !== FRAME.data) this.frames.push(one);
    const answer = this.#answers.get(one.streamId) ?? { headers: {}, body: [], isOver: false };
    if (one.type === FRAME.headers) {
      this.#decoder.decode(one.payload, (name, value) => (answer.headers[name] = value));
    } else if (one.type === FRAME.data) answer.body.push(one.payload);
    else if (one.type === FRAME.resetStream) {
      answer.resetCode ??= one.payload.readUInt32BE(0);
      answer.isOver = true;
    } else return;
    if (one.type !== FRAME.resetStream && (one.flags & FLAG.endStream) !== 0) answer.isOver = true;
    this.#answers.set(one.streamId, answer);
  }
}
