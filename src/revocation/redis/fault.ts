// Which cause a failure of Redis or of the way to it has. The only file that knows Redis' error codes and errno's. Its
// details never hold a message of the server: those may quote keys, values and credentials.

import type { UnknownCause } from "../../core/evidence.ts";
import type { StoreFault } from "../store.ts";

/** First words of Redis' error replies (redis/src: shared objects in server.c, acl.c, cluster.c, replication.c). */
const CAUSE_OF_REPLY: Readonly<Record<string, UnknownCause>> = {
  LOADING: "loading",
  READONLY: "read_only",
  NOREPLICAS: "read_only",
  MASTERDOWN: "not_primary",
  CLUSTERDOWN: "cluster_down",
  TRYAGAIN: "moved",
  MOVED: "moved",
  ASK: "moved",
  OOM: "out_of_memory",
  NOAUTH: "auth",
  WRONGPASS: "auth",
  NOPERM: "auth",
  MISCONF: "disk",
  BUSY: "timeout",
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

/** A code inside a script's failure: Redis before 7 wraps it as `ERR Error running script …: -OOM …`. */
const WRAPPED_CODE = / -([A-Z]+) /;

export function fault(cause: UnknownCause, detail: string): StoreFault {
  return { cause, detail };
}

/** The fault behind what ioredis rejected with or emitted. */
export function faultOf(error: unknown): StoreFault {
  if (!(error instanceof Error)) return fault("protocol", "failed without an error");
  const { message } = error;
  const errno = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (errno !== undefined) return fault(CAUSE_OF_ERRNO[errno] ?? "protocol", errno);
  if (message.includes("max number of clients")) return fault("max_clients", "Redis has no connection left");
  if (message.startsWith("Socket timeout")) return fault("timeout", "silence on the connection");
  if (message.startsWith("Connection is closed") || message.startsWith("Stream isn't writeable")) {
    return fault("connection_lost", "the connection closed");
  }
  const code = /^([A-Z]+)(?: |$)/.exec(message)?.[1];
  if (code === undefined) return fault("protocol", error.name);
  if (code !== "ERR") return fault(CAUSE_OF_REPLY[code] ?? "protocol", `Redis said ${code}`);
  return errFault(message);
}

function errFault(message: string): StoreFault {
  const wrapped = WRAPPED_CODE.exec(message)?.[1];
  const cause = wrapped === undefined ? undefined : CAUSE_OF_REPLY[wrapped];
  if (wrapped !== undefined && cause !== undefined) return fault(cause, `Redis said ${wrapped}`);
  if (message.includes("invalid password")) return fault("auth", "Redis refused the password");
  return fault("protocol", "Redis said ERR");
}
