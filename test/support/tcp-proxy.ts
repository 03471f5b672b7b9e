// A TCP proxy of a test's own, whose way can be cut without either end being told, or made slow.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

export interface TcpProxy {
  readonly port: number;
  /** Connections that are open through it. */
  connections(): number;
  /** From now on nothing passes on the connections that are open, for ever; `newOnesToo` likewise on later ones. */
  swallow(newOnesToo: boolean): void;
  /** Later connections pass again. */
  mend(): void;
  /** Everything passes so much later, each way. */
  delay(ms: number): void;
  close(): Promise<void>;
}

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const swallowed = new Set<Socket>();
  let swallowsNew = false;
  let delayMs = 0;

  function pass(from: Socket, to: Socket): void {
    from.on("data", (chunk) => {
      if (swallowed.has(from)) return;
      if (delayMs === 0) to.write(chunk);
      else setTimeout(() => to.write(chunk), delayMs);
    });
    from.on("error", () => undefined);
    from.on("close", () => {
      if (!swallowed.has(from)) to.destroy();
      open.delete(from);
      swallowed.delete(from);
    });
  }

  const server = createServer((client) => {
    const upstream = connect(targetPort, "127.0.0.1");
    for (const socket of [client, upstream]) {
      open.add(socket);
      if (swallowsNew) swallowed.add(socket);
    }
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));

  return {
    port: (server.address() as AddressInfo).port,
    connections: () => open.size / 2,
    swallow(newOnesToo) {
      swallowsNew = newOnesToo;
      for (const socket of open) swallowed.add(socket);
    },
    mend() {
      swallowsNew = false;
    },
    delay(ms) {
      delayMs = ms;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
