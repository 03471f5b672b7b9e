// One batch of revocations on a connection of its own, sent and read by hand: in the middle of it both can be looked at.

import { connect, type Socket } from "node:net";
import { until } from "./wait.ts";

export interface BatchAnswer {
  readonly line: number;
  readonly id?: string;
  readonly seq?: number;
  readonly error?: { readonly code: string; readonly status: number; readonly detail?: string };
}

export interface BatchCall {
  readonly socket: Socket;
  /** Sends `text` as one chunk. */
  send(text: string | Uint8Array): void;
  /** Says that nothing more comes. */
  finish(): void;
  /** All that came back so far: head and body, chunk sizes left in. */
  received(): string;
  /** The answers read so far. */
  answers(): readonly BatchAnswer[];
  answered(count: number): Promise<readonly BatchAnswer[]>;
}

export function openBatch(url: string, token: string, headers = ""): BatchCall {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => void (text += chunk));
  socket.on("error", () => undefined);
  socket.write(
    `POST /v1/revocations/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\n` +
      `content-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n${headers}\r\n`,
  );
  const answers = (): readonly BatchAnswer[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith('{"line"'))
      .map((line) => JSON.parse(line) as BatchAnswer);
  return {
    socket,
    send(chunk) {
      socket.write(`${Buffer.byteLength(chunk).toString(16)}\r\n`);
      socket.write(chunk);
      socket.write("\r\n");
    },
    finish: () => void socket.write("0\r\n\r\n"),
    received: () => text,
    answers,
    answered: (count) => until(`${count} answers`, () => (answers().length >= count ? answers() : undefined), 30_000),
  };
}
