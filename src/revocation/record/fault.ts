// Which cause a failure of PostgreSQL or of the way to it has. The only file that knows its error codes. Details never
// hold a message of the server: those quote values.

import type { UnknownCause } from "../../core/evidence.ts";
import type { StoreFault } from "../store.ts";

/** SQLSTATEs and their classes, the first two characters (PostgreSQL manual, appendix A). */
const CAUSE_OF_SQLSTATE: Readonly<Record<string, UnknownCause>> = {
  "08": "connection_lost",
  "28": "auth",
  "42501": "auth",
  "25006": "read_only",
  "25P03": "timeout", // idle in a transaction for too long: a process that was suspended
  "53100": "disk",
  "53200": "out_of_memory",
  "53300": "max_clients",
  "55P03": "locked",
  "57014": "timeout",
  "57P01": "connection_lost",
  "57P02": "connection_lost",
  "57P03": "loading",
  "58": "disk",
};

/** Codes of Node's system errors (errno(3)). */
const CAUSE_OF_ERRNO: Readonly<Record<string, UnknownCause>> = {
  ECONNREFUSED: "connection_refused",
  ENOENT: "connection_refused",
  EACCES: "connection_refused",
  ECONNRESET: "connection_lost",
  EPIPE: "connection_lost",
  ETIMEDOUT: "timeout",
  EHOSTUNREACH: "disconnected",
  ENETUNREACH: "disconnected",
  ENOTFOUND: "disconnected",
  EAI_AGAIN: "disconnected",
};

/** What the client library tells by words alone. */
const CAUSE_OF_WORDS: readonly (readonly [part: string, cause: UnknownCause])[] = [
  ["timeout", "timeout"],
  ["terminated", "connection_lost"],
  ["not queryable", "connection_lost"],
  ["after calling end", "stopped"],
];

/** The fault behind what the client library rejected with or emitted. */
export function recordFault(error: unknown): StoreFault {
  if (!(error instanceof Error)) return { cause: "protocol", detail: "the record failed without an error" };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code !== undefined) {
    const cause = CAUSE_OF_SQLSTATE[code] ?? CAUSE_OF_SQLSTATE[code.slice(0, 2)] ?? CAUSE_OF_ERRNO[code] ?? "protocol";
    return { cause, detail: `the record said ${code}` };
  }
  const words = CAUSE_OF_WORDS.find(([part]) => error.message.includes(part));
  return { cause: words?.[1] ?? "protocol", detail: `the record failed: ${error.name}` };
}
