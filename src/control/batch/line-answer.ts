// What is said of one line of a batch, as one line of NDJSON. Never longer than a bound, whatever stood in the line.

import { problemBody, type Problem } from "../problem.ts";

/** So that the answers to a whole batch stay below 16 MB though nobody reads them. */
const MAX_ANSWER_BYTES = 1_536;

/** `told` is the JSON object that the line's revocation was answered with. */
export function doneLine(line: number, told: string): string {
  return `{"line":${line},${told.slice(1)}\n`;
}

/** A problem too long to be told is told by its code alone. */
export function problemLine(line: number, problem: Problem): string {
  const whole = `{"line":${line},"error":${problemBody(problem)}}\n`;
  return Buffer.byteLength(whole) <= MAX_ANSWER_BYTES
    ? whole
    : `{"line":${line},"error":${problemBody({ code: problem.code })}}\n`;
}
