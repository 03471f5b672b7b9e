// One connection's calls: from the head and message of a request to its answer, by the method that is called. It decides
// nothing about a Check, and knows no frame.

import type { CheckCall } from "../check.ts";
import type { CheckHandler } from "../check-handler.ts";
import type { Health } from "../health.ts";
import {
  BAD_FLAG,
  COMPRESSED,
  NOT_A_HEALTH_CHECK,
  NOT_ONE_MESSAGE,
  TOO_LARGE,
  TOO_MUCH_AT_ONCE,
  TOO_SLOW,
  UNKNOWN_HEALTH_SERVICE,
  type Refusal,
} from "./answers.ts";
import type { MessageFault } from "./incoming-message.ts";
import type { Sender } from "./sender.ts";
import type { Stream } from "./stream.ts";
import type { Streams } from "./streams.ts";

const FAULTS: Readonly<Record<Exclude<MessageFault, "none">, Refusal>> = {
  too_large: TOO_LARGE,
  too_much_at_once: TOO_MUCH_AT_ONCE,
  bad_flag: BAD_FLAG,
  excess: NOT_ONE_MESSAGE,
};

export interface CallsParts {
  readonly checks: CheckHandler;
  readonly health: Health;
  readonly streams: Streams;
  readonly sender: Sender;
}

export class Calls {
  private readonly parts: CallsParts;
  /** Requests that are whole: the first `wholeCount`. The array stays as it is, for it is filled again at once. */
  private readonly whole: Stream[];
  private wholeCount: number;

  constructor(parts: CallsParts) {
    this.parts = parts;
    this.whole = [];
    this.wholeCount = 0;
  }

  /** A request's header block has come; where nothing follows it, its stream receives no more. */
  begin(stream: Stream): void {
    const { refusal } = stream.head;
    // At once: a caller of a method that we do not know may be waiting for us before it goes on. Other requests of HTTP
    // are heard to their end, so that a rule broken on the way is told as such.
    if (refusal !== undefined && refusal.body === undefined) this.parts.sender.refuse(stream, refusal);
    else if (!stream.isReceiving) this.end(stream);
  }

  /** A piece of its body. */
  data(stream: Stream, bytes: Buffer, from: number, to: number, isLast: boolean): void {
    if (stream.head.refusal !== undefined) {
      if (isLast) this.end(stream);
      return;
    }
    const { message } = stream;
    const fault = message.add(bytes, from, to, isLast);
    if (fault !== "none") this.parts.sender.refuse(stream, FAULTS[fault]);
    else if (message.isCompressed) this.parts.sender.refuse(stream, stream.head.isEncoded ? COMPRESSED : BAD_FLAG);
    else if (isLast) this.end(stream);
  }

  /** Its body has ended. It is judged once everything that came with it is read: a RST_STREAM may have. */
  end(stream: Stream): void {
    stream.isOwed = true;
    this.whole[this.wholeCount++] = stream;
  }

  /** Judges what has become whole. */
  judge(nowMs: number): void {
    for (let index = 0; index < this.wholeCount; index++) this.judgeOne(this.whole[index] as Stream, nowMs);
    this.wholeCount = 0;
  }

  /** The answer to a Check, in time or late. One whose stream has been closed meanwhile goes nowhere. */
  replied(stream: Stream, response: Buffer): void {
    const { sender, streams } = this.parts;
    streams.settle(stream);
    if (stream.isOpen) sender.answer(stream, response);
  }

  /** Refuses a request that has not ended in time. */
  expire(stream: Stream): void {
    this.parts.sender.refuse(stream, TOO_SLOW);
  }

  private judgeOne(stream: Stream, nowMs: number): void {
    const { checks, streams } = this.parts;
    if (!stream.isOpen) return streams.settle(stream);
    const { method, refusal } = stream.head;
    const message = stream.message.take();
    if (message !== undefined && method === "check") {
      return checks.check(message, callAt(stream, nowMs), stream.reply);
    }
    streams.settle(stream);
    if (message === undefined) this.parts.sender.refuse(stream, refusal ?? NOT_ONE_MESSAGE);
    else if (method === "health_watch") this.watch(stream, message);
    else this.healthCheck(stream, message);
  }

  private healthCheck(stream: Stream, request: Buffer): void {
    const { health, sender } = this.parts;
    const answer = health.check(request);
    if (answer.ok) sender.answer(stream, answer.value);
    else sender.refuse(stream, answer.error === "unknown_service" ? UNKNOWN_HEALTH_SERVICE : NOT_A_HEALTH_CHECK);
  }

  private watch(stream: Stream, request: Buffer): void {
    const { health, sender } = this.parts;
    sender.begin(stream);
    const endWatch = health.watch(request, {
      told: (status) => sender.send(stream, status),
      ended: () => sender.end(stream),
    });
    if (stream.isOpen) stream.endWatch = endWatch; // in a drain it has ended by now
  }
}

/** What is left of the caller's time when all of its request is there. */
function callAt({ head, beganAtMs }: Stream, nowMs: number): CheckCall {
  const { call, timeoutMs } = head;
  if (timeoutMs === undefined || nowMs === beganAtMs) return call;
  return { ...call, grpcTimeoutMs: timeoutMs - (nowMs - beganAtMs) };
}
