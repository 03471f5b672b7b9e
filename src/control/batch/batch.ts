// Revokes what the lines of one stream ask for, each on its own: a line that cannot be read, or may not be done, loses
// no other. What it has answered stands, whatever becomes of the rest.

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import { err, type Result } from "../../core/result.ts";
import type { Caller } from "../access.ts";
import type { Room } from "../api/room.ts";
import { KEEP_LINE_ANSWER_MS } from "../idempotency.ts";
import { parseJsonBody } from "../json-body.ts";
import type { Problem } from "../problem.ts";
import type { Asked, RevokeBody } from "../asked.ts";
import { revoke } from "../revoke.ts";
import { createOrderedAnswers } from "./answers.ts";
import { doneLine, problemLine } from "./line-answer.ts";
import { createLineCutter, type Line } from "./lines.ts";

export interface Batch {
  readonly caller: Caller;
  /** The batch's Idempotency-Key: each line is bound to one derived from it. */
  readonly key: string | undefined;
  readonly chunks: AsyncIterable<Buffer>;
  /** What is wrong with the form of a line's object; undefined: nothing. */
  readonly faultOfForm: (body: unknown) => Problem | undefined;
  /** Hears each answer, in the order of the lines. */
  readonly say: (answer: string) => void;
  /** Hears, before any answer, that the key was used for a batch that began otherwise: nothing more is done. */
  readonly refuse: (problem: Problem) => void;
  /** Nobody hears the answers any more. */
  readonly isGone: () => boolean;
}

const MAX_BATCH_LINES = 10_000;
export const MAX_BATCH_BYTES: number = 32 * 1024 * 1024;
/** The longest id and reason, with every character escaped, take 28 KB. */
const MAX_LINE_BYTES = 32 * 1024;
/** Enough to keep a store one millisecond away busy; fewer answers to lose when it goes away. */
const LINES_UNDER_WAY = 128;
/** From the first line. A store so slow is not asked for the rest: their sender will try again. */
const MAX_BATCH_MS = 240_000;

/** A store that works on this thread would hold it for a whole chunk of lines: others get their turn after this. */
const TURN_MS = 10;

const TOO_LONG: Problem = { code: "body_too_large", detail: `A line has at most ${MAX_LINE_BYTES} bytes.` };
const TOO_MANY: Problem = {
  code: "body_too_large",
  detail: `A batch has at most ${MAX_BATCH_LINES} lines: neither this line nor any after it was looked at.`,
};
const TOO_LARGE: Problem = {
  code: "body_too_large",
  detail: `A batch has at most ${MAX_BATCH_BYTES} bytes: neither this line nor any after it was looked at.`,
};
const TOO_LATE: Problem = {
  code: "unavailable",
  detail: "The batch took too long: this line was not tried. Send it again with the same Idempotency-Key.",
};

/**
 * Reads to the end of `chunks`, for a sender who is cut off may never see his answers; rejects as `chunks` does. Past
 * twice the bytes allowed it ends, which cuts the sender off after all.
 */
export async function revokeBatch(room: Room, batch: Batch): Promise<void> {
  const cutter = createLineCutter(MAX_LINE_BYTES);
  const answers = createOrderedAnswers(batch.say, LINES_UNDER_WAY);
  const work = lineWork(room, batch);
  let bytes = 0;
  let isOver = false;

  async function take(line: Line): Promise<void> {
    if (isOver || batch.isGone() || isBlank(line)) return;
    if (line.number > MAX_BATCH_LINES) return refuseRest(line.number, TOO_MANY);
    const isFirst = work.isFirst();
    await answers.begin(work.begin(line));
    if (!isFirst) return;
    await answers.end();
    isOver = work.isRefused();
  }

  async function refuseRest(line: number, problem: Problem): Promise<void> {
    isOver = true;
    await answers.begin(() => Promise.resolve(problemLine(line, problem)));
  }

  let next = 1;
  let turnBeganMs = room.clock.now().monotonicMs;
  for await (const chunk of batch.chunks) {
    bytes += chunk.length;
    if (bytes > 2 * MAX_BATCH_BYTES) break;
    if (isOver) continue;
    for (const line of cutter.push(chunk)) {
      next = line.number + 1;
      await take(line);
      if (room.clock.now().monotonicMs - turnBeganMs < TURN_MS) continue;
      await nextTurn();
      turnBeganMs = room.clock.now().monotonicMs;
    }
    if (bytes > MAX_BATCH_BYTES && !isOver) await refuseRest(next, TOO_LARGE);
  }
  for (const line of cutter.end()) await take(line);
  await answers.end();
}

function isBlank({ bytes }: Line): boolean {
  return bytes !== undefined && bytes.toString("latin1").trim() === "";
}

interface LineWork {
  isFirst(): boolean;
  isRefused(): boolean;
  /** Takes lines in their order; what it returns may run beside others. */
  begin(line: Line): () => Promise<string | undefined>;
}

function lineWork(room: Room, batch: Batch): LineWork {
  const beganMs = room.clock.now().monotonicMs;
  let before = "";
  let isFirst = true;
  let isRefused = false;

  function once(line: Line, history: string): Asked["once"] {
    if (batch.key === undefined) return undefined;
    // No header holds a line feed, so no caller's own key is ever equal to a derived one.
    return { key: `${batch.key}\nline ${line.number}`, after: [history], keepMs: KEEP_LINE_ANSWER_MS };
  }

  async function revokeLine(line: Line, history: string): Promise<Result<string, Problem>> {
    if (line.bytes === undefined) return err(TOO_LONG);
    if (room.clock.now().monotonicMs - beganMs > MAX_BATCH_MS) return err(TOO_LATE);
    const read = parseJsonBody(line.bytes);
    if (!read.ok) return err({ code: "malformed_request", detail: read.error.replaceAll("The body", "The line") });
    const fault = batch.faultOfForm(read.value);
    if (fault !== undefined) return err(fault);
    const body = read.value as unknown as RevokeBody;
    return revoke(room, {
      caller: batch.caller,
      body,
      once: once(line, history),
      alone: "waits",
      answer: ({ id, seq }) => JSON.stringify({ id, seq }),
    });
  }

  return {
    isFirst: () => isFirst,
    isRefused: () => isRefused,
    begin(line) {
      // Bound to all lines before it: a batch that differs in one line is another batch from there on.
      const history = batch.key === undefined ? "" : digestOf(before, line);
      const mayRefuse = isFirst;
      before = history;
      isFirst = false;
      return async () => {
        const outcome = await settled(room, revokeLine(line, history));
        if (outcome.ok) return doneLine(line.number, outcome.value);
        isRefused = mayRefuse && outcome.error.code === "idempotency_key_reused";
        if (isRefused) batch.refuse(outcome.error);
        return isRefused ? undefined : problemLine(line.number, outcome.error);
      };
    },
  };
}

function digestOf(before: string, { bytes }: Line): string {
  return createHash("sha256")
    .update(`${before}\n`)
    .update(bytes ?? "too long")
    .digest("base64url");
}

/** A bug met by one line is that line's. */
async function settled(room: Room, outcome: Promise<Result<string, Problem>>): Promise<Result<string, Problem>> {
  try {
    return await outcome;
  } catch (error) {
    room.log.error("control_request_failed", {
      route: "/v1/revocations/batch",
      error: String((error as Error).stack ?? error),
    });
    return err({ code: "internal_error" });
  }
}
