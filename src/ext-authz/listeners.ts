// Owns the sockets: binds addresses, hands accepted connections on, and knows when the last one is gone. Knows no
// protocol; whoever speaks one says when to say goodbye.

import { createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { claimSocketPath } from "./unix-socket.ts";

export interface Listeners {
  /** Binds all addresses in order; resolves with what was bound. Rejects if one cannot be, and then none stays bound. */
  open(): Promise<readonly string[]>;
  /** No new connections from now on; a unix socket's file goes. Those there stay. */
  close(): void;
  /** Resolves once no connection is left. Only after `close`. */
  emptied(): Promise<void>;
  /** Cuts every connection off. */
  destroyConnections(): void;
}

export interface ListenersOptions {
  /** `host:port` (port 0: any free one; IPv6 in brackets) or `unix:/path`. */
  readonly addresses: readonly string[];
  readonly accepted: (connection: Socket) => void;
  /** Accepting failed (out of file handles, for instance); listening goes on. */
  readonly failed: (error: Error) => void;
}

/** After our last byte, for the peer's own goodbye. One that never reads would otherwise be held for ever. */
const GOODBYE_MS = 200;

export function createListeners({ addresses, accepted, failed }: ListenersOptions): Listeners {
  const servers: Server[] = [];
  const connections = new Set<Socket>();
  const waiting: (() => void)[] = [];

  const accept = (connection: Socket): void => {
    connections.add(connection);
    connection.setNoDelay(true); // a response's second write would wait 40 ms for a delayed ACK (traps.md 12)
    connection.once("finish", () => setTimeout(() => connection.destroy(), GOODBYE_MS).unref());
    connection.once("close", () => {
      connections.delete(connection);
      if (connections.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    accepted(connection);
  };
  const close = (): void => {
    for (const server of servers.splice(0)) server.close();
  };

  return {
    async open() {
      const bound: string[] = [];
      try {
        for (const address of addresses) {
          const server = createServer(accept);
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
