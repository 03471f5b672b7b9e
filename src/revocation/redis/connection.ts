// One connection to Redis, from its making to its end: it is never made again, nothing waits in it for another, and
// it is open only once the server has proved to be what is looked for, a primary. Reconnecting is link.ts's.

import { Redis } from "ioredis";
import type { Clock } from "../../core/clock.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { StoreFault } from "../store.ts";
import { fault, faultOf, type RedisFault } from "./fault.ts";
import type { RedisAddress } from "./url.ts";

export type Reply = Result<unknown, RedisFault>;

export interface ConnectionOptions {
  readonly address: RedisAddress;
  /** What ROLE must tell; a primary unless said otherwise. */
  readonly role?: "master" | "sentinel" | "any";
  /** Shown in CLIENT LIST. */
  readonly name: string;
  /** Silence for so long, while an answer is due, ends the connection. */
  readonly silenceMs: number;
  /** Commands written and not answered; one more fails at once. */
  readonly maxUnanswered: number;
  readonly clock: Clock;
  /** Hears what is published on the channel that was subscribed to, as it came: texts are Buffers. */
  readonly onMessage?: (payload: unknown) => void;
}

export interface Connection {
  readonly address: RedisAddress;
  /** When the last proof of the role was asked for, on the monotonic clock. */
  readonly provedAtMs: number;
  /** Writes one command before it returns, or fails. Settles within `timeoutMs`; a later answer is dropped. */
  send(command: string, args: readonly (string | number)[], timeoutMs: number): Promise<Reply>;
  /** Asks for the role again; any other ends the connection, and so does no answer to anything since. */
  proveRole(timeoutMs: number): Promise<Reply>;
  /** Ends it: whatever waits is answered with `why` at once. Resolves when the socket is gone. */
  end(why: StoreFault): Promise<void>;
}

/** From the first packet to the proof of the role; with the longest back-off it stays well below 3 s. */
const OPEN_TIMEOUT_MS = 1_500;

/** A peer that is away never answers our FIN; its socket is destroyed after this. */
const CLOSE_TIMEOUT_MS = 100;

/** Begins connecting. Calls `onOpen` at most once, and `onEnd` exactly once, never before this returns. */
export function connect(
  options: ConnectionOptions,
  onOpen: (connection: Connection) => void,
  onEnd: (why: StoreFault) => void,
): Connection {
  const { address, clock } = options;
  const client = clientFor(options);
  const waiting = new Set<(reply: Reply) => void>();
  let unanswered = 0;
  let provedAtMs = -Infinity;
  let answeredAtMs = -Infinity;
  let lastError: StoreFault | undefined;
  let ended = false;
  const gone = new Promise<void>((resolve) => client.once("end", () => resolve()));

  const connection: Connection = {
    address,
    get provedAtMs() {
      return provedAtMs;
    },
    send,
    proveRole,
    end,
  };
  const openTimer = setTimeout(
    () => void end(lastError ?? fault("timeout", "no answer on connecting")),
    OPEN_TIMEOUT_MS,
  );
  // Without a listener ioredis prints the error, and an EventEmitter would end the process.
  client.on("error", (error: unknown) => {
    lastError = faultOf(error);
  });
  const { onMessage } = options;
  if (onMessage !== undefined) client.on("messageBuffer", (_channel: unknown, payload: unknown) => onMessage(payload));
  client.once("end", () => void end(lastError ?? fault("connection_lost", "the connection closed")));
  client.once("ready", () => void open());
  client.connect().catch(() => {}); // told by `end`

  async function open(): Promise<void> {
    // Written together, answered in order. ioredis would do the first two itself, but prints a warning and hides causes.
    const greeting = await Promise.all([authenticate(), select(), proveRole(OPEN_TIMEOUT_MS)]);
    const refusal = greeting.find((reply) => !reply.ok);
    if (ended) return;
    if (refusal !== undefined && !refusal.ok) return void end(refusal.error);
    clearTimeout(openTimer);
    void send("CLIENT", ["SETNAME", options.name], OPEN_TIMEOUT_MS); // for people only: a refusal is no matter
    onOpen(connection);
  }

  async function authenticate(): Promise<Reply> {
    const { username, password } = address;
    if (password === undefined) return ok(undefined);
    const credential = username === undefined ? [password] : [username, password];
    const reply = await send("AUTH", credential, OPEN_TIMEOUT_MS);
    // A server that wants no password is no reason to stay away, as with redis-cli; ROLE will tell if it wants one.
    return !reply.ok && reply.error.cause === "protocol" ? ok(undefined) : reply;
  }

  async function select(): Promise<Reply> {
    return address.db === 0 ? ok(undefined) : send("SELECT", [address.db], OPEN_TIMEOUT_MS);
  }

  async function proveRole(timeoutMs: number): Promise<Reply> {
    const askedAtMs = clock.now().monotonicMs;
    const reply = await send("ROLE", [], timeoutMs);
    if (ended) return reply;
    // Bytes may come for ever and make no answer: to the socket that is no silence.
    const isSilent = !reply.ok && reply.error.cause === "timeout" && answeredAtMs < askedAtMs;
    const why = reply.ok ? refusalOf(reply.value, options.role) : isSilent ? reply.error : undefined;
    if (why !== undefined) {
      void end(why);
      return err(why);
    }
    if (reply.ok) provedAtMs = askedAtMs;
    return reply;
  }

  function send(command: string, args: readonly (string | number)[], timeoutMs: number): Promise<Reply> {
    if (ended) return Promise.resolve(err(lastError ?? fault("connection_lost", "the connection closed")));
    if (unanswered >= options.maxUnanswered) {
      return Promise.resolve(err(fault("timeout", "too many commands wait for an answer")));
    }
    return new Promise((resolve) => {
      // A blocked event loop runs timers before it reads sockets: the answer that lies there gets its chance.
      const timer = setTimeout(() => setImmediate(() => settle(err(fault("timeout", "no answer in time")))), timeoutMs);
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        waiting.delete(settle);
        resolve(reply);
      };
      waiting.add(settle);
      unanswered += 1;
      void replyOf(client.call(command, ...args)).then((reply) => {
        unanswered -= 1;
        answeredAtMs = clock.now().monotonicMs;
        return settle(reply);
      });
    });
  }

  function end(why: StoreFault): Promise<void> {
    if (ended) return gone;
    ended = true;
    lastError = why;
    clearTimeout(openTimer);
    for (const settle of waiting) settle(err(why));
    if (client.status !== "end") client.disconnect();
    queueMicrotask(() => onEnd(why));
    return gone;
  }

  return connection;
}

/** Why a server that answers this to ROLE is not the one; undefined: it is. */
function refusalOf(reply: unknown, wanted: ConnectionOptions["role"] = "master"): StoreFault | undefined {
  const role: unknown = Array.isArray(reply) ? reply[0] : undefined;
  if (wanted === "any" || role === wanted) return undefined;
  return fault("not_primary", role === "slave" ? "a replica answers there" : "no primary answers there");
}

async function replyOf(call: Promise<unknown>): Promise<Reply> {
  try {
    return ok(await call);
  } catch (error) {
    return err(faultOf(error));
  }
}

function clientFor({ address, silenceMs }: ConnectionOptions): Redis {
  const { at } = address;
  const place =
    at.kind === "socket" ? { path: at.path } : { host: at.host, port: at.port, ...(at.tls ? { tls: {} } : {}) };
  return new Redis({
    ...place,
    lazyConnect: true,
    // A connection that ends stays ended: what it had not answered must never be asked again by itself.
    retryStrategy: null,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    enableAutoPipelining: false,
    disableClientInfo: true,
    // Every reply that is read here has the same shape in both, and RESP2 needs no HELLO.
    protocol: 2,
    connectTimeout: OPEN_TIMEOUT_MS,
    disconnectTimeout: CLOSE_TIMEOUT_MS,
    socketTimeout: silenceMs,
    keepAlive: 10_000,
  });
}
