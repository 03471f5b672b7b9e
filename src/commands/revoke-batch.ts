// `portcullis revoke --batch`: revokes what the lines of a file ask for, ten thousand in a call, and says of each what
// became of it. A line that fails loses no other.

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve as resolvePath } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { err, ok, type Result } from "../core/result.ts";
import { batchLines, type BatchDefaults, type BatchLine, type LineBody } from "./batch-lines.ts";
import {
  controlAccess,
  explain,
  report,
  whyNoAnswer,
  type ControlAccess,
  type ControlFlags,
} from "./control-client.ts";
import { exchangeLines } from "./http-lines.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { printable } from "./printable.ts";
import { createProgress } from "./progress.ts";
import { targetLine } from "./revocation-line.ts";

/** What became of a line, as the control API says it. */
interface LineAnswer {
  readonly line: number;
  readonly id?: string;
  readonly seq?: number;
  /** "pending": it waits for a second person. */
  readonly status?: string;
  readonly error?: { readonly code?: string; readonly title?: string; readonly detail?: string };
}

/** A control plane takes no more in one call. */
const MAX_LINES = 10_000;
const MAX_CALL_CHARS = 8 * 1024 * 1024;
/** Of one call whose answer did not come whole. The same key makes that each line is done once. */
const ATTEMPTS = 3;
const PAUSE_MS = 500;

/** `file` is `-` for standard input. */
export async function revokeBatch(
  file: string,
  defaults: BatchDefaults,
  flags: ControlFlags,
  io: CommandIo,
): Promise<number> {
  return sendLines(batchLines(openChunks(file, io), defaults), () => randomUUID(), file, flags, io);
}

/** `keyOf` a call's body is its Idempotency-Key; `source` names where the lines come from, for people. */
export async function sendLines(
  lines: AsyncIterable<BatchLine>,
  keyOf: (body: string) => string,
  source: string,
  flags: ControlFlags,
  io: CommandIo,
): Promise<number> {
  const access = await controlAccess(flags, io);
  if (!access.ok) return report(access.error, io);
  const tell = teller(flags, io);
  const interrupted = new Promise<number>((resolve) => {
    io.signals.onInterrupt(() => {
      tell.end();
      const message = `interrupted: not known to be done from line ${tell.lastLine() + 1} on`;
      resolve(report({ exitCode: EXIT.failed, message }, io));
    });
  });
  return Promise.race([sendAll(lines, keyOf, source, access.value, tell, io), interrupted]);
}

async function sendAll(
  lines: AsyncIterable<BatchLine>,
  keyOf: (body: string) => string,
  source: string,
  access: ControlAccess,
  tell: Teller,
  io: CommandIo,
): Promise<number> {
  try {
    for await (const piece of pieces(lines)) {
      const sent = await sendPiece(piece, access, keyOf, tell.answered);
      if (!sent.ok) {
        tell.end();
        const { line, why } = sent.error;
        return report({ exitCode: EXIT.failed, message: `not known to be done from line ${line} on: ${why}` }, io);
      }
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return report({ exitCode: EXIT.usage, message: `${source} cannot be read (${code})` }, io);
  }
  return tell.end() === 0 ? EXIT.done : EXIT.failed;
}

/**
 * Of a file as seen from where the command runs; `-` is standard input. It is opened when it is first read: one that is not
 * there fails whoever reads, and nothing before.
 */
export async function* openChunks(file: string, io: CommandIo): AsyncGenerator<Uint8Array> {
  const chunks: AsyncIterable<Uint8Array> =
    file === "-" ? io.stdinChunks() : createReadStream(resolvePath(io.cwd, file));
  yield* chunks;
}

/** As many lines as one call takes. */
async function* pieces(lines: AsyncIterable<BatchLine>): AsyncGenerator<readonly BatchLine[]> {
  let piece: BatchLine[] = [];
  let charCount = 0;
  for await (const line of lines) {
    piece.push(line);
    charCount += line.body.ok ? JSON.stringify(line.body.value).length : 0;
    if (piece.length < MAX_LINES && charCount < MAX_CALL_CHARS) continue;
    yield piece;
    piece = [];
    charCount = 0;
  }
  if (piece.length > 0) yield piece;
}

type Answered = (answer: LineAnswer, body: LineBody | undefined) => void;

/** The error names the first line of which nothing is known. */
async function sendPiece(
  piece: readonly BatchLine[],
  { base, token }: ControlAccess,
  keyOf: (body: string) => string,
  answered: Answered,
): Promise<Result<void, { readonly line: number; readonly why: string }>> {
  const order = inOrder(piece, answered);
  const sendable = piece.flatMap(({ number, body }) => (body.ok ? [{ number, text: JSON.stringify(body.value) }] : []));
  const body = sendable.map(({ text }) => `${text}\n`).join("");
  const call = {
    method: "POST",
    url: new URL("v1/revocations/batch", base),
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/x-ndjson",
      "idempotency-key": keyOf(body),
    },
    body,
  } as const;
  for (let attempt = 1; ; attempt += 1) {
    const first = order.next();
    if (first === undefined) return ok(undefined);
    // Of a second attempt, what the first has answered comes again.
    const sent = sendable.values();
    const answer = await exchangeLines(call, (text) => order.take(sent.next().value?.number, text));
    const left = order.next();
    if (left === undefined) return ok(undefined);
    const why = answer.ok ? explain(answer.value) : whyNoAnswer(answer.error, base);
    if (attempt === ATTEMPTS || (answer.ok && !isWorthAnother(answer.value.status))) return err({ line: left, why });
    await delay(PAUSE_MS * attempt);
  }
}

function isWorthAnother(status: number): boolean {
  return status === 429 || status >= 500;
}

interface InOrder {
  /** The number of the first line without an answer. */
  next(): number | undefined;
  /** Hears what was answered to a line; what is no answer is none. */
  take(line: number | undefined, text: string): void;
}

/** Tells of each line once and in their order, of those that could not be sent too. */
function inOrder(piece: readonly BatchLine[], answered: Answered): InOrder {
  let position = 0;
  const tellUnsent = (): void => {
    for (let line = piece[position]; line?.body.ok === false; line = piece[(position += 1)])
      answered({ line: line.number, error: { detail: line.body.error } }, undefined);
  };
  tellUnsent();
  return {
    next: () => piece[position]?.number,
    take(number, text) {
      const line = piece[position];
      const answer = parse(text);
      if (line?.number !== number || line?.body.ok !== true || answer === undefined) return;
      position += 1;
      answered({ ...answer, line: line.number }, line.body.value);
      tellUnsent();
    },
  };
}

function parse(text: string): LineAnswer | undefined {
  try {
    const value = JSON.parse(text) as LineAnswer | null;
    return typeof value?.line === "number" ? value : undefined;
  } catch {
    return undefined;
  }
}

interface Teller {
  readonly answered: Answered;
  /** Says what became of all; how many are not revoked: they failed, or wait. */
  end(): number;
  /** The number of the last line that was told of; 0: of none. */
  lastLine(): number;
}

function teller(flags: ControlFlags, io: CommandIo): Teller {
  const progress = createProgress(io);
  let doneCount = 0;
  let failedCount = 0;
  let pendingCount = 0;
  let lastLine = 0;
  const counts = (): string =>
    `${doneCount} revoked, ${pendingCount === 0 ? "" : `${pendingCount} wait for approval and are not revoked yet, `}${failedCount} failed`;
  return {
    answered(answer, body) {
      const { line, id, error, status } = answer;
      lastLine = line;
      if (error !== undefined) failedCount += 1;
      else if (status === "pending") pendingCount += 1;
      else doneCount += 1;
      progress.clear();
      if (flags.json === true) io.out(`${JSON.stringify(answer)}\n`);
      else if (error === undefined)
        io.out(
          `${status === "pending" ? "waits for approval:" : "revoked"} ${body === undefined ? "" : targetLine(body)}  ${printable(id ?? "")}\n`,
        );
      else io.err(`line ${line}: ${printable(error.detail ?? error.title ?? "refused")}\n`);
      progress.show(counts());
    },
    end() {
      progress.clear();
      if (flags.json !== true) io.err(`${counts()}\n`);
      return failedCount + pendingCount;
    },
    lastLine: () => lastLine,
  };
}
