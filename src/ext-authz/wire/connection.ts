// One HTTP/2 connection (RFC 9113): brings its parts together, hands frames to them, and owns its life: preface,
// keepalive, age, goodbye. The rules of each frame are elsewhere.

import type { Socket } from "node:net";
import type { CheckHandler } from "../check-handler.ts";
import type { Health } from "../health.ts";
import { Calls } from "./calls.ts";
import { ControlFrames } from "./control-frames.ts";
import { FrameCredit } from "./frame-credit.ts";
import { FrameDispatch } from "./frame-dispatch.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter, PING_BYTES } from "./frame-writer.ts";
import {
  CANCEL,
  ENHANCE_YOUR_CALM,
  INTERNAL_ERROR,
  MAX_STREAM_ID,
  NO_ERROR,
  PROTOCOL_ERROR,
  type ErrorCode,
} from "./frame.ts";
import type { PartialMessages } from "./incoming-message.ts";
import { Intake } from "./intake.ts";
import type { WireTimes } from "./limits.ts";
import { Output, type OutputTurn } from "./output.ts";
import { PeerSettings, SERVER_PREFACE } from "./peer-settings.ts";
import { RequestFrames } from "./request-frames.ts";
import { Sender } from "./sender.ts";
import { Streams } from "./streams.ts";

/** What PINGs of ours hold: whether the peer is there, and whether it has read the first GOAWAY. */
const ARE_YOU_THERE = Buffer.alloc(PING_BYTES);
const GOING_AWAY = Buffer.from("goodbye!", "latin1");

/** §6.8: `leaving` after the first GOAWAY, `last_calls` after the second, `ended` after our last byte. */
type Phase = "open" | "leaving" | "last_calls" | "ended";

export interface ConnectionSurroundings {
  readonly checks: CheckHandler;
  readonly health: Health;
  readonly times: WireTimes;
  /** Shared by all connections. */
  readonly turn: OutputTurn;
  readonly partial: PartialMessages;
  /** It ended with an error of its peer's, or by an exception, which is a bug. */
  readonly failed: (code: ErrorCode, error?: unknown) => void;
}

export class Connection {
  private readonly socket: Socket;
  private readonly around: ConnectionSurroundings;
  private readonly intake: Intake;
  private readonly output: Output;
  private readonly writer: FrameWriter;
  private readonly sender: Sender;
  private readonly streams: Streams;
  private readonly calls: Calls;
  private readonly requests: RequestFrames;
  private readonly dispatch: FrameDispatch;
  private readonly reader: FrameReader;
  private readonly maxAgeMs: number;
  private readonly openedAtMs: number;
  private phase: Phase;
  private phaseSinceMs: number;
  /** Of the last bytes that came. */
  private heardAtMs: number;
  private pingedAtMs: number | undefined;

  constructor(socket: Socket, around: ConnectionSurroundings) {
    const nowMs = performance.now();
    this.socket = socket;
    this.around = around;
    this.intake = new Intake(socket);
    this.output = new Output(socket, around.turn, () => this.intake.stall());
    this.writer = new FrameWriter(this.output);
    const credit = new FrameCredit(nowMs);
    const peer = new PeerSettings();
    this.sender = new Sender(this.output, this.writer, (stream) => this.streams.endLocal(stream));
    const { sender, writer } = this;
    const streams = new Streams(
      {
        writer,
        credit,
        peer,
        partial: around.partial,
        replied: (stream, response) => this.calls.replied(stream, response),
        emptied: () => this.emptied(),
      },
      sender,
    );
    this.streams = streams;
    this.calls = new Calls({ checks: around.checks, health: around.health, streams, sender });
    this.requests = new RequestFrames({ streams, calls: this.calls, writer, credit });
    const pinged = (bytes: Buffer, at: number): void => this.pinged(bytes, at);
    const control = new ControlFrames({ streams, sender, writer, credit, peer, pinged });
    this.dispatch = new FrameDispatch(this.requests, control, credit);
    this.reader = new FrameReader(this.dispatch);
    this.maxAgeMs = around.times.maxAgeMs * (0.9 + Math.random() * 0.2);
    this.openedAtMs = nowMs;
    this.phase = "open";
    this.phaseSinceMs = nowMs;
    this.heardAtMs = nowMs;
    this.listen();
    this.output.append(SERVER_PREFACE);
  }

  /** Says goodbye in two steps (§6.8): calls that are under way meanwhile are answered, and then it ends. */
  shutDown(nowMs: number): void {
    if (this.phase !== "open") return;
    this.enter("leaving", nowMs);
    if (!this.dispatch.hasSettings) return this.lastCalls(nowMs);
    this.writer.goAway(MAX_STREAM_ID, NO_ERROR);
    this.writer.ping(GOING_AWAY);
  }

  /** Looks at the clock for whatever does not happen. */
  tick(nowMs: number): void {
    const { times } = this.around;
    const isOver = (sinceMs: number | undefined, boundMs: number): boolean =>
      sinceMs !== undefined && nowMs - sinceMs > boundMs;
    if (this.phase === "ended") {
      if (isOver(this.phaseSinceMs, times.stalledMs)) this.socket.destroy();
    } else if (this.intake.stalledAtMs !== undefined) {
      if (isOver(this.intake.stalledAtMs, times.stalledMs)) this.socket.destroy();
    } else if (!this.dispatch.hasSettings) {
      if (isOver(this.openedAtMs, times.prefaceMs)) this.fail(PROTOCOL_ERROR);
    } else if (isOver(this.requests.blockBeganAtMs, times.headerBlockMs)) this.fail(ENHANCE_YOUR_CALM);
    else {
      this.endStalledStreams(nowMs);
      this.keepAlive(nowMs);
      this.grow(nowMs);
    }
  }

  private listen(): void {
    const { socket } = this;
    // Each chunk is memory of its own that nothing is read into again: Checks look at it until they are answered.
    socket.on("data", (chunk: Buffer) => this.received(chunk));
    socket.on("end", () => this.peerEnded());
    socket.on("drain", () => this.intake.drained());
    socket.on("error", ignore);
    socket.on("close", () => {
      this.enter("ended", performance.now());
      this.streams.closeAll();
    });
  }

  private received(chunk: Buffer): void {
    if (this.phase === "ended") return;
    this.intake.took(chunk.length);
    this.heardAtMs = performance.now();
    this.dispatch.nowMs = this.heardAtMs;
    try {
      const fault = this.reader.push(chunk);
      if (fault !== NO_ERROR) return this.fail(fault);
      this.calls.judge(this.heardAtMs);
      if (this.sender.isOverfull) this.fail(ENHANCE_YOUR_CALM);
    } catch (error) {
      this.fail(INTERNAL_ERROR, error); // the others go on
    }
  }

  /** Nothing more will come: what came whole is answered. */
  private peerEnded(): void {
    if (this.phase === "ended") return;
    for (const stream of this.streams.all()) if (stream.isReceiving) this.streams.close(stream);
    this.enter("last_calls", performance.now());
    this.emptied();
  }

  /** A connection error (§5.4.1). */
  private fail(code: ErrorCode, error?: unknown): void {
    if (this.phase === "ended") return;
    this.around.failed(code, error);
    this.writer.goAway(this.streams.lastTakenId, code);
    this.finish();
    this.streams.closeAll();
  }

  private pinged(bytes: Buffer, at: number): void {
    this.pingedAtMs = undefined;
    if (this.phase !== "leaving") return;
    if (bytes.compare(GOING_AWAY, 0, PING_BYTES, at, at + PING_BYTES) === 0) this.lastCalls(this.heardAtMs);
  }

  private lastCalls(nowMs: number): void {
    this.enter("last_calls", nowMs);
    this.streams.takeNoMore();
    this.writer.goAway(this.streams.lastTakenId, NO_ERROR);
    this.emptied();
  }

  private emptied(): void {
    if (this.phase === "last_calls" && this.streams.openCount === 0) this.finish();
  }

  private finish(): void {
    this.enter("ended", performance.now());
    this.output.flush();
    this.socket.end();
  }

  private enter(phase: Phase, nowMs: number): void {
    this.phase = phase;
    this.phaseSinceMs = nowMs;
  }

  private endStalledStreams(nowMs: number): void {
    const { calls, sender, streams } = this;
    const { requestMs, stalledMs } = this.around.times;
    for (const stream of streams.all()) {
      if (stream.isReceiving && nowMs - stream.beganAtMs > requestMs) calls.expire(stream);
    }
    for (const stream of sender.stalledSince(nowMs - stalledMs)) {
      const fault = streams.fail(stream.id, CANCEL);
      if (fault !== NO_ERROR) return this.fail(fault);
    }
  }

  private keepAlive(nowMs: number): void {
    const { keepaliveMs, keepaliveTimeoutMs } = this.around.times;
    if (this.pingedAtMs !== undefined && this.heardAtMs < this.pingedAtMs) {
      if (nowMs - this.pingedAtMs > keepaliveTimeoutMs) this.socket.destroy();
    } else if (nowMs - this.heardAtMs > keepaliveMs) {
      this.pingedAtMs = nowMs;
      this.writer.ping(ARE_YOU_THERE);
    }
  }

  private grow(nowMs: number): void {
    const { goAwayMs, lastCallsMs } = this.around.times;
    const isOld = nowMs - this.openedAtMs > this.maxAgeMs;
    const sinceMs = nowMs - this.phaseSinceMs;
    if (this.phase === "open" && isOld) this.shutDown(nowMs);
    else if (this.phase === "leaving" && sinceMs > goAwayMs) this.lastCalls(nowMs);
    else if (this.phase === "last_calls" && (isOld || this.socket.readableEnded) && sinceMs > lastCallsMs)
      this.socket.destroy();
  }
}

function ignore(): void {
  // A socket's error is followed by its close; there is nobody left to answer.
}
