// Ports of 127.0.0.1: finding free ones, and waiting until somebody listens.
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Running } from "./processes.ts";

const START_MS = 15_000;
const POLL_MS = 25;

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** Waits until `check` is true; throws with the process's last words when it ends or takes longer than 15 s. */
export async function until(what: string, running: Running, check: () => Promise<boolean>): Promise<void> {
  for (const giveUpAt = Date.now() + START_MS; Date.now() < giveUpAt; await sleep(POLL_MS)) {
    if (running.hasEnded()) break;
    if (await check()) return;
  }
  throw new Error(`${what} did not start: ${running.lastWords()}`);
}

export async function isListening(endpoint: { host: string; port: number } | { path: string }): Promise<boolean> {
  const socket = connect(endpoint);
  const outcome = await Promise.race([
    once(socket, "connect").then(() => true),
    once(socket, "error").then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return outcome;
}

/** True when a GET answers 200. */
export async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
