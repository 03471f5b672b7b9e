// A server that speaks RESP2 and answers whatever a test says: for what no real Redis can be brought to say.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";

/** A text is a bulk string, a list an array. */
export type Resp =
  | string
  | number
  | null
  | { readonly error: string }
  | { readonly status: string }
  /** The bytes themselves, one a character. */
  | { readonly raw: string }
  | readonly Resp[];

/** What a primary says of its role. */
const PRIMARY: Resp = ["master", 0, []];

export interface RespServer {
  /** As in the configuration's `store.url`. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Answers each command by `answer`, one after the other; undefined: with OK, or as a primary that is asked for its role.
 */
export async function startRespServer(
  answer: (name: string, args: readonly string[]) => Resp | undefined,
): Promise<RespServer> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let pending = "";
    socket.on("data", (bytes) => {
      pending += bytes.toString("latin1");
      const { commands, rest } = commandsIn(pending);
      pending = rest;
      const replies = commands.map(([name = "", ...args]) => {
        const told = answer(name.toUpperCase(), args);
        return written(told ?? (name.toUpperCase() === "ROLE" ? PRIMARY : { status: "OK" }));
      });
      if (!socket.destroyed) socket.write(replies.join(""), "latin1");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The whole commands that `bytes` begin with: arrays of bulk strings. */
function commandsIn(bytes: string): { readonly commands: readonly (readonly string[])[]; readonly rest: string } {
  const commands: string[][] = [];
  let begin = 0;
  for (;;) {
    let at = begin;
    const number = (): number => {
      const end = bytes.indexOf("\r\n", at);
      if (end === -1) return NaN;
      const value = Number(bytes.slice(at + 1, end));
      at = end + 2;
      return value;
    };
    const count = at < bytes.length ? number() : NaN;
    const command: string[] = [];
    while (command.length < count) {
      const length = number();
      if (!(at + length + 2 <= bytes.length)) break;
      command.push(bytes.slice(at, at + length));
      at += length + 2;
    }
    if (command.length !== count) return { commands, rest: bytes.slice(begin) };
    commands.push(command);
    begin = at;
  }
}

function written(reply: Resp): string {
  if (reply === null) return "$-1\r\n";
  if (typeof reply === "number") return `:${reply}\r\n`;
  if (typeof reply === "string") {
    const bytes = Buffer.from(reply, "utf8").toString("latin1");
    return `$${bytes.length}\r\n${bytes}\r\n`;
  }
  if ("raw" in reply) return reply.raw;
  if ("error" in reply) return `-${reply.error}\r\n`;
  if ("status" in reply) return `+${reply.status}\r\n`;
  return `*${reply.length}\r\n${reply.map(written).join("")}`;
}
