// Turns what the HTTP library throws into problems. A stranger learns what is wrong with the request, never what is
// wrong with the server.

import type { Socket } from "node:net";
import { PROBLEM_MEDIA_TYPE, problemBody, statusOf, type Problem, type ProblemCode } from "./problem.ts";

interface ValidationFault {
  readonly instancePath: string;
  readonly message?: string;
  readonly params: Readonly<Record<string, unknown>>;
}

interface LibraryError {
  readonly code?: string;
  readonly statusCode?: number;
  readonly message: string;
  readonly validation?: readonly ValidationFault[];
}

const CODES: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "unsupported_media_type",
  FST_ERR_BAD_URL: "malformed_request",
  FST_ERR_MAX_PARAM_LENGTH: "not_found",
};

const OVERDUE: Problem = {
  code: "unavailable",
  detail: "Not acknowledged, though it may have happened: try again with the same Idempotency-Key.",
  headers: { "retry-after": "1" },
};

export function problemOfError(thrown: unknown): Problem {
  const error = thrown as LibraryError;
  if (error.validation !== undefined) return problemOfValidation(error.validation);
  if (error.code === "FST_ERR_HANDLER_TIMEOUT") return OVERDUE;
  const code = CODES[error.code ?? ""];
  if (code !== undefined) return { code };
  const isCallersFault = error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500;
  return isCallersFault ? { code: "malformed_request", detail: error.message } : { code: "internal_error" };
}

/** The problem of a body that does not have the form its schema asks for. */
export function problemOfValidation(faults: readonly ValidationFault[]): Problem {
  const errors = faults.map(({ instancePath, message, params }) => {
    const { additionalProperty, allowedValues } = params;
    if (typeof additionalProperty === "string") {
      return { pointer: `${instancePath}/${escapePointer(additionalProperty)}`, detail: "is not known here" };
    }
    const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(", ")}` : "";
    return { pointer: instancePath, detail: `${message ?? "is not valid"}${allowed}` };
  });
  const detail = errors.map((fault) => `${fault.pointer} ${fault.detail}`.trim()).join("; ");
  return { code: "invalid_body", detail, errors };
}

/** RFC 6901 §3. */
function escapePointer(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** Answers what is not even HTTP, or came too slowly, and hangs up. */
export function answerBrokenRequest(error: { readonly code: string }, socket: Socket): void {
  // A handshake that failed is no place for words either.
  if (error.code === "ECONNRESET" || /^ERR_(?:SSL|TLS)/.test(error.code) || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem: Problem = { code: brokenCode(error.code) };
  const body = problemBody(problem);
  socket.end(
    `HTTP/1.1 ${statusOf(problem)} Refused\r\ncontent-type: ${PROBLEM_MEDIA_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n${body}`,
  );
}

function brokenCode(code: string): ProblemCode {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "request_timeout";
  return code === "HPE_HEADER_OVERFLOW" ? "headers_too_large" : "malformed_request";
}
