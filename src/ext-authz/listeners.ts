// Owns the sockets: binds addresses, hands accepted connections on, and knows when the last one is gone. Knows no
// protocol beyond TLS; whoever speaks one says when to say goodbye.

import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type SecureContextOptions, type Server as TlsServer } from "node:tls";
import type { TlsMaterial } from "./transport.ts";
import { claimSocketPath } from "./unix-socket.ts";

export interface Listeners {
  /** Binds all addresses in order; resolves with what was bound. Rejects if one cannot be, and then none stays bound. */
  open(): Promise<readonly string[]>;
  /** Connections that begin later use these. */
  renewTls(material: TlsMaterial): void;
  /** No new connections from now on; a unix socket's file goes. Those there stay, but for TLS handshakes under way. */
  close(): void;
  /** Resolves once no connection is left. Only after `close`. */
  emptied(): Promise<void>;
  /** Cuts every connection off. */
  destroyConnections(): void;
}

export interface ListenersOptions {
  /** `host:port` (port 0: any free one; IPv6 in brackets) or `unix:/path`. */
  readonly addresses: readonly string[];
  /** For the TCP addresses; undefined: clear text. */
  readonly tls: TlsMaterial | undefined;
  /** A peer that has said its last word is still answered: whoever accepts its connection ends that. */
  readonly allowHalfOpen: boolean;
  readonly accepted: (connection: Socket) => void;
  /** Accepting failed (out of file handles, for instance); listening goes on. */
  readonly failed: (error: Error) => void;
}

/** After our last byte, for the peer's own goodbye. One that never reads would otherwise be held for ever. */
const GOODBYE_MS = 200;
/** From accept to the end of a TLS handshake. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** A fleet of Envoys keeps one connection per worker thread. */
const MAX_CONNECTIONS = 8_192;
/** RFC 9113 §3.2: HTTP/2, and nothing else. */
const ALPN = "h2";

export function createListeners({ addresses, allowHalfOpen, tls, accepted, failed }: ListenersOptions): Listeners {
  const servers: Server[] = [];
  const secureServers: TlsServer[] = [];
  const connections = new Set<Socket>();
  /** By their peers: TLS tells of a handshake's end by a socket of its own. */
  const handshaking = new Map<string, Socket>();
  const waiting: (() => void)[] = [];

  const track = (connection: Socket): void => {
    connections.add(connection);
    connection.once("close", () => {
      connections.delete(connection);
      if (connections.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    connection.setNoDelay(true); // a response's second write would wait 40 ms for a delayed ACK
  };
  const handOn = (connection: Socket): void => {
    connection.once("finish", () => setTimeout(() => connection.destroy(), GOODBYE_MS).unref());
    accepted(connection);
  };
  const serverFor = (address: string): Server => {
    if (tls === undefined || address.startsWith("unix:")) {
      return createServer({ allowHalfOpen }, (connection) => {
        track(connection);
        handOn(connection);
      });
    }
    const server = createTlsServer({
      ...secureContextOf(tls),
      allowHalfOpen,
      requestCert: tls.clientCa !== undefined,
      rejectUnauthorized: true,
      ALPNProtocols: [ALPN],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
    });
    server.on("connection", (connection) => {
      track(connection); // from the first byte on, for a handshake may never end
      const peer = peerOf(connection);
      handshaking.set(peer, connection);
      connection.once("close", () => {
        if (handshaking.get(peer) === connection) handshaking.delete(peer);
      });
    });
    server.on("secureConnection", (connection) => {
      handshaking.delete(peerOf(connection));
      // A client that asked for no protocol at all gets this far.
      if (connection.alpnProtocol === ALPN) handOn(connection);
      else connection.destroy();
    });
    secureServers.push(server);
    return server;
  };
  const close = (): void => {
    for (const server of servers.splice(0)) server.close();
    // Nobody would say goodbye to one that ends from here on.
    for (const connection of handshaking.values()) connection.destroy();
  };

  return {
    async open() {
      const bound: string[] = [];
      try {
        for (const address of addresses) {
          const server = serverFor(address);
          server.maxConnections = MAX_CONNECTIONS;
          bound.push(await listen(server, address));
          servers.push(server);
          server.on("error", failed);
        }
      } catch (error) {
        close();
        throw error;
      }
      return bound;
    },
    renewTls(material) {
      for (const server of secureServers) server.setSecureContext(secureContextOf(material));
    },
    close,
    emptied() {
      if (connections.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    destroyConnections() {
      for (const connection of connections) connection.destroy();
    },
  };
}

function peerOf({ localPort, remoteAddress, remotePort }: Socket): string {
  return `${localPort} ${remoteAddress} ${remotePort}`;
}

/** TLS 1.2 is the least that HTTP/2 may be spoken over (RFC 9113 §9.2). */
function secureContextOf({ certificate, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert: certificate, key, minVersion: "TLSv1.2", ...(clientCa === undefined ? {} : { ca: clientCa }) };
}

async function listen(server: Server, address: string): Promise<string> {
  const target = targetOf(address);
  if (target.path !== undefined) await claimSocketPath(target.path);
  await new Promise<void>((resolve, reject) => {
    const refuse = (cause: Error): void =>
      reject(new Error(`cannot listen on ${address}: ${cause.message}`, { cause }));
    server.once("error", refuse);
    server.listen(target, () => {
      server.off("error", refuse);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") return address;
  return address.replace(/\d+$/, String(bound.port));
}

function targetOf(address: string): ListenOptions {
  if (address.startsWith("unix:")) return { path: address.slice("unix:".length) };
  const [, host, port] = /^\[?([^\]]*)\]?:(\d+)$/.exec(address) ?? [];
  if (host === undefined || port === undefined) throw new Error(`${address} is neither host:port nor unix:/path`);
  return { host, port: Number(port) };
}
