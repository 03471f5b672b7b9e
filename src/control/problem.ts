// The errors of the control API as problem details (RFC 9457). The codes are closed and people script against them;
// nothing here tells a stranger more than that he may not.

import type { OutgoingHttpHeaders } from "node:http";
import type { UnknownCause } from "../core/evidence.ts";
import type { StoreFault } from "../revocation/store.ts";

/** Status and title by code; the code is the last part of the problem's `type`. */
const PROBLEMS = {
  malformed_request: { status: 400, title: "The request cannot be read" },
  invalid_body: { status: 400, title: "The request does not have the form asked for" },
  unauthenticated: { status: 401, title: "A valid bearer token is required" },
  cross_site: { status: 403, title: "The request does not come from the dashboard" },
  second_person_required: { status: 403, title: "Another person must approve it" },
  insufficient_scope: { status: 403, title: "The token's scopes do not suffice" },
  not_found: { status: 404, title: "There is no such thing" },
  method_not_allowed: { status: 405, title: "The method is not allowed here" },
  request_timeout: { status: 408, title: "The request took too long to arrive" },
  superseded: { status: 409, title: "A stronger revocation has taken its place" },
  request_in_progress: { status: 409, title: "The same request is being worked on" },
  body_too_large: { status: 413, title: "The body is too large" },
  unsupported_media_type: { status: 415, title: "The body is not of a kind that is taken here" },
  invalid_request: { status: 422, title: "The request cannot be done as asked" },
  idempotency_key_reused: { status: 422, title: "The Idempotency-Key was used for another request" },
  upgrade_required: { status: 426, title: "This is for WebSockets" },
  too_many_requests: { status: 429, title: "Too many requests" },
  headers_too_large: { status: 431, title: "The headers are too large" },
  internal_error: { status: 500, title: "Something is broken here" },
  unavailable: { status: 503, title: "It cannot be done now" },
  store_unavailable: { status: 503, title: "The store cannot be asked now" },
  unreadable: { status: 503, title: "The store holds a value that cannot be read" },
} as const;
export type ProblemCode = keyof typeof PROBLEMS;

/** One fault of a request's content: a JSON Pointer into the body, or the name of a parameter. */
export interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

export interface Problem {
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly errors?: readonly Fault[];
  /** Why the store did not answer, for who judges by it. */
  readonly cause?: UnknownCause;
  readonly headers?: OutgoingHttpHeaders;
}

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

export function statusOf(problem: Problem): number {
  return PROBLEMS[problem.code].status;
}

/** The body of `problem`, serialized. */
export function problemBody(problem: Problem): string {
  const { status, title } = PROBLEMS[problem.code];
  const { code, detail, errors, cause } = problem;
  return JSON.stringify({ type: `urn:portcullis:problem:${code}`, title, status, code, detail, errors, cause });
}

/** The store failed a read: nothing changed. */
export function readFault(fault: StoreFault): Problem {
  return { code: "store_unavailable", detail: `Cause: ${fault.cause}.`, headers: { "retry-after": "1" } };
}

/** The store failed a write: nothing may be pretended in either direction. */
export function writeFault(fault: StoreFault): Problem {
  const detail = `Not acknowledged, though it may have happened: try again with the same Idempotency-Key. Cause: ${fault.cause}.`;
  return { code: "store_unavailable", detail, headers: { "retry-after": "1" } };
}

export function invalid(fault: Fault): Problem {
  return { code: "invalid_request", detail: `${fault.pointer} ${fault.detail}`, errors: [fault] };
}

/** Of every list that comes in pages. */
export const UNKNOWN_CURSOR: Problem = invalid({ pointer: "cursor", detail: "is none that was given here" });
