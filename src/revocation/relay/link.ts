// A sidecar's way to the relay of a control plane: one WebSocket, made again after any end, with longer pauses while it
// fails. It understands nothing of what is said over it.

import type { IncomingMessage } from "node:http";
import { WebSocket, type RawData } from "ws";
import type { UnknownCause } from "../../core/evidence.ts";
import type { StoreFault } from "../store.ts";
import { faultOfError, faultOfStatus } from "./fault.ts";

export interface LinkOptions {
  /** Of the control API. */
  readonly controlUrl: string;
  readonly token: string;
  /** In [0, 1): spreads a fleet. */
  readonly random: () => number;
  /** Of the query of the next connection. */
  readonly query: () => Readonly<Record<string, string>>;
  readonly opened: () => void;
  readonly heard: (data: Buffer | string) => void;
  readonly closed: (why: StoreFault) => void;
}

export interface Link {
  start(): void;
  /** Whether it is open, and so was sent. */
  send(text: string): boolean;
  /** What is heard makes sense: after the next end the pauses begin short again. */
  works(): void;
  /** Ends this connection; another is made after a pause. */
  cut(cause: UnknownCause, detail: string): void;
  stop(): Promise<void>;
}

export const RELAY_PATH = "/v1/relay";

const HANDSHAKE_TIMEOUT_MS = 3_000;

/** Far above any frame of ours. */
const MAX_MESSAGE_BYTES = 1_048_576;

/** Before the next connection: anything up to this, doubled up to the last. What drops a fleet brings it back spread. */
const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 5_000;

export function createLink(options: LinkOptions): Link {
  return new RelayLink(options);
}

/** `path` below the URL of the control API, which may lie below a path itself. */
export function urlBelow(controlUrl: string, path: string): URL {
  return new URL(path.slice(1), controlUrl.endsWith("/") ? controlUrl : `${controlUrl}/`);
}

class RelayLink implements Link {
  readonly #options: LinkOptions;
  #socket: WebSocket | undefined;
  #isOpen = false;
  #failureCount = 0;
  #pause: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  start(): void {
    const url = urlBelow(this.#options.controlUrl, RELAY_PATH);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.search = new URLSearchParams(this.#options.query()).toString();
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${this.#options.token}` },
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let why: StoreFault = { cause: "connection_lost", detail: "the control plane closed the connection" };
    socket.on("unexpected-response", (_request, response: IncomingMessage) => {
      why = faultOfStatus(response.statusCode ?? 0);
      response.resume();
      socket.terminate();
    });
    socket.on("error", (error) => {
      if (why.cause === "connection_lost") why = faultOfError(error);
    });
    socket.on("open", () => {
      this.#isOpen = true;
      this.#options.opened();
    });
    socket.on("message", (data: RawData, isBinary) => {
      if (this.#socket === socket) this.#options.heard(isBinary ? (data as Buffer) : (data as Buffer).toString("utf8"));
    });
    socket.on("close", () => this.#ended(socket, why));
  }

  send(text: string): boolean {
    if (this.#isOpen) this.#socket?.send(text);
    return this.#isOpen;
  }

  works(): void {
    this.#failureCount = 0;
  }

  cut(cause: UnknownCause, detail: string): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#ended(socket, { cause, detail });
    socket.terminate();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#pause);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#isOpen = false;
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.terminate();
    });
  }

  #ended(socket: WebSocket, why: StoreFault): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#isOpen = false;
    this.#options.closed(why);
    if (this.#isStopped) return;
    const pauseMs = Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failureCount);
    this.#failureCount = Math.min(this.#failureCount + 1, 10);
    this.#pause = setTimeout(() => this.start(), pauseMs * this.#options.random());
  }
}
