// The port between the process and whatever carries Checks to it. A transport moves bytes and decides nothing.

import type { Log } from "../core/log.ts";
import type { CheckHandler } from "./check-handler.ts";

/** PEM texts. */
export interface TlsMaterial {
  /** The server's, and the chain behind it. */
  readonly certificate: string;
  readonly key: string;
  /** Only clients with a certificate of these authorities are heard; undefined: all are. */
  readonly clientCa: string | undefined;
}

export interface TransportOptions {
  /** `host:port` (port 0: any free one; IPv6 in brackets) or `unix:/path`; at least one. */
  readonly listen: readonly string[];
  /** On the TCP addresses, with ALPN h2 (RFC 9113 §3.2); undefined: clear text. */
  readonly tls?: TlsMaterial | undefined;
  readonly checks: CheckHandler;
  readonly log: Pick<Log, "warn">;
  /** Called before health is told to whoever asks for it: the last moment for `setServing`. */
  readonly beforeHealth?: () => void;
}

export interface Transport {
  /** Binds every address; resolves with what was bound, in the order given. Rejects if one could not be bound. */
  start(): Promise<readonly string[]>;
  /** What gRPC health says. Checks are answered either way. */
  setServing(serving: boolean): void;
  /**
   * NOT_SERVING at once, while calls go on being answered for `delayMs`; then no new ones (GOAWAY), and those in
   * flight finish within `timeoutMs`, or are cut off. Resolves when every socket is closed.
   */
  drain(delayMs: number, timeoutMs: number): Promise<"finished" | "cut_off">;
  /** Connections that begin later use these. Only where `tls` was there from the start. Throws where they do not fit. */
  renewTls(material: TlsMaterial): void;
  /** Closes everything at once. */
  stop(): Promise<void>;
}
