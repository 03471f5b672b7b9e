// Which cause a failure of the control plane or of the way to it has. Its details never hold what the other side said.

import { UNKNOWN_CAUSES, type UnknownCause } from "../../core/evidence.ts";
import type { StoreFault } from "../store.ts";

/** Codes of Node's system errors (errno(3)). */
const CAUSE_OF_ERRNO: Readonly<Record<string, UnknownCause>> = {
  ECONNREFUSED: "connection_refused",
  ENOTFOUND: "disconnected",
  EAI_AGAIN: "disconnected",
  EHOSTUNREACH: "disconnected",
  ENETUNREACH: "disconnected",
  ETIMEDOUT: "timeout",
};

export function faultOfError(error: NodeJS.ErrnoException): StoreFault {
  const code = error.code ?? error.name;
  return { cause: CAUSE_OF_ERRNO[code] ?? "connection_lost", detail: `no answer of the control plane (${code})` };
}

/** Of an answer that is not the one asked for. */
export function faultOfStatus(status: number): StoreFault {
  return { cause: causeOfStatus(status), detail: `the control plane answered ${status}` };
}

/** What the control plane says it was told itself. */
export function isCause(value: unknown): value is UnknownCause {
  return (UNKNOWN_CAUSES as readonly unknown[]).includes(value);
}

function causeOfStatus(status: number): UnknownCause {
  if (status === 401 || status === 403) return "auth";
  if (status === 429) return "overloaded"; // our own load, which opens no door
  return status >= 500 ? "disconnected" : "protocol";
}
