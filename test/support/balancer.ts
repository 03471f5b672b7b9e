// One address before several servers, as a balancer of connections is. It looks at no byte.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

export interface Balancer {
  readonly url: string;
  /** Which servers are tried for a new connection, by their places: the first that takes it has it. */
  order: readonly number[];
  /** Ends every connection. */
  cut(): void;
  close(): Promise<unknown>;
}

/** Before the servers of these URLs, which are tried in this order at first. */
export async function startBalancer(urls: readonly string[]): Promise<Balancer> {
  const open = new Set<Socket>();
  const server: Server = createServer((client) => pass(client, balancer.order));
  const pass = (client: Socket, [first, ...others]: readonly number[]): void => {
    if (first === undefined) return void client.destroy();
    const upstream = connect(Number(new URL(urls[first] ?? "").port), "127.0.0.1");
    upstream.once("error", () => pass(client, others));
    upstream.once("connect", () => client.pipe(upstream).pipe(client));
    for (const socket of [client, upstream]) open.add(socket.on("error", () => socket.destroy()));
    upstream.on("close", () => upstream.bytesRead + upstream.bytesWritten > 0 && client.destroy());
    client.on("close", () => upstream.destroy());
  };
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const cut = (): void => {
    for (const socket of open) socket.destroy();
    open.clear();
  };
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    order: [...urls.keys()],
    cut,
    close() {
      cut();
      return new Promise((done) => server.close(done));
    },
  };
  return balancer;
}
