// A TCP proxy of a test's own, whose way can be cut without either end being told, made slow, or lossy.
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
  /**
   * So many of the chunks are "lost": what comes after them waits too, as TCP has it, until they were sent again. `random`
   * is in [0, 1).
   */
  lose(ratio: number, random?: () => number): void;
  /** Resets every connection that is open. */
  reset(): void;
  close(): Promise<void>;
}

/** The first wait of Linux before it sends again; doubled for what is lost again. */
const RETRANSMISSION_MS = 200;

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const open = new Set<Socket>();
  const swallowed = new Set<Socket>();
  let swallowsNew = false;
  let delayMs = 0;
  let lossRatio = 0;
  let draw = Math.random;

  /** How long a chunk is under way: what is sent again may be lost again. */
  function travelMs(): number {
    let ms = delayMs;
    for (let again = RETRANSMISSION_MS; draw() < lossRatio; again *= 2) ms += again;
    return ms;
  }

  function pass(from: Socket, to: Socket): void {
    const underWay: { readonly chunk: Buffer; readonly arrivesMs: number }[] = [];
    const deliver = (): void => {
      for (;;) {
        const [next] = underWay;
        if (next === undefined) return;
        const waitMs = next.arrivesMs - performance.now();
        if (waitMs > 0) return void setTimeout(deliver, waitMs);
        underWay.shift();
        to.write(next.chunk);
      }
    };
    from.on("data", (chunk) => {
      if (swallowed.has(from)) return;
      underWay.push({ chunk, arrivesMs: performance.now() + travelMs() });
      if (underWay.length === 1) deliver(); // otherwise it waits behind those before it
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
    lose(ratio, random = Math.random) {
      lossRatio = ratio;
      draw = random;
    },
    reset() {
      for (const socket of open) socket.resetAndDestroy();
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
