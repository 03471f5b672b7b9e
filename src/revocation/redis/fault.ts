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

/** What is told by words alone: by ioredis of its connection, and by Redis before it has read a command. */
const KNOWN_MESSAGES: readonly (StoreFault & { readonly part: string })[] = [
  { part: "max number of clients", cause: "max_clients", detail: "Redis has no connection left" },
  { part: "Socket timeout", cause: "timeout", detail: "silence on the connection" },
  { part: "Connection is closed", cause: "connection_lost", detail: "the connection closed" },
  { part: "Stream isn't writeable", cause: "connection_lost", detail: "the connection closed" },
  { part: "ERR invalid password", cause: "auth", detail: "Redis refused the password" },
];

/** Where a Cluster says that a slot is to be asked for. */
export interface Redirection {
  /** moved: from now on; ask: this once, for the slot is on its way. */
  readonly kind: "moved" | "ask";
  readonly slot: number;
  /** "": the host that said so. */
  readonly host: string;
  readonly port: number;
}

export interface RedisFault extends StoreFault {
  readonly redirection?: Redirection;
}

const REDIRECTION = /^(MOVED|ASK) (\d+) (.*):(\d+)$/;

export function fault(cause: UnknownCause, detail: string): StoreFault {
  return { cause, detail };
}

/** The same fault, saying which command it was: a user may be allowed one and not the other. */
export function ofCommand(command: string, { cause, detail }: StoreFault): StoreFault {
  return fault(cause, `${command}: ${detail}`);
}

/** The fault behind what ioredis rejected with or emitted. */
export function faultOf(error: unknown): RedisFault {
  if (!(error instanceof Error)) return fault("protocol", "failed without an error");
  const { message } = error;
  if ("code" in error && typeof error.code === "string") {
    return fault(CAUSE_OF_ERRNO[error.code] ?? "protocol", error.code);
  }
  const known = KNOWN_MESSAGES.find(({ part }) => message.includes(part));
  if (known !== undefined) return fault(known.cause, known.detail);
  return saidFault(message) ?? fault("protocol", error.name);
}

/** Undefined where no code of Redis stands first. */
function saidFault(message: string): RedisFault | undefined {
  const code = /^([A-Z]+)(?: |$)/.exec(message)?.[1];
  if (code === undefined) return undefined;
  if (code === "ERR") return errFault(message);
  const said = fault(CAUSE_OF_REPLY[code] ?? "protocol", `Redis said ${code}`);
  const redirection = redirectionOf(message);
  return redirection === undefined ? said : { ...said, redirection };
}

function redirectionOf(message: string): Redirection | undefined {
  const told = REDIRECTION.exec(message);
  if (told === null) return undefined;
  const [, word, slot, host = "", port] = told;
  return { kind: word === "MOVED" ? "moved" : "ask", slot: Number(slot), host, port: Number(port) };
}

function errFault(message: string): StoreFault {
  const wrapped = WRAPPED_CODE.exec(message)?.[1];
  const cause = wrapped === undefined ? undefined : CAUSE_OF_REPLY[wrapped];
  if (wrapped !== undefined && cause !== undefined) return fault(cause, `Redis said ${wrapped}`);
  return fault("protocol", "Redis said ERR");
}
