// Which requests may become WebSockets, and whose.

import type { IncomingMessage } from "node:http";
import websocket from "@fastify/websocket";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RELAY_PATH } from "../../revocation/relay/link.ts";
import type { Problem } from "../problem.ts";
import { sendProblem } from "./room.ts";

/** Where events are followed by WebSocket. */
export const EVENTS_SOCKET_PATH = "/v1/events/ws";

const SOCKET_PATHS: ReadonlySet<string | undefined> = new Set([EVENTS_SOCKET_PATH, RELAY_PATH]);

/** Nothing is taken from the other side but questions of a few bytes. */
const MAX_MESSAGE_BYTES = 1_024;

const NO_UPGRADE: Problem = { code: "upgrade_required", headers: { upgrade: "websocket", connection: "upgrade" } };
const FOREIGN_ORIGIN: Problem = { code: "insufficient_scope", detail: "Not for pages of another origin." };

/** Whether a request may ask for another protocol; else it is answered as if it had not (RFC 9110 §7.8). */
export function mayUpgrade({ method, url, headers }: IncomingMessage): boolean {
  const path = url?.split("?", 1)[0];
  return method === "GET" && SOCKET_PATHS.has(path) && headers.upgrade?.toLowerCase() === "websocket";
}

/** Has to come before any hook that refuses: it sees to it that a refused socket is closed. */
export async function acceptWebSockets(app: FastifyInstance): Promise<void> {
  await app.register(websocket, { options: { maxPayload: MAX_MESSAGE_BYTES, perMessageDeflate: false } });
}

export async function requireUpgrade(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
  if (!mayUpgrade(request.raw)) return sendProblem(reply, NO_UPGRADE);
  // A browser says whose page opens the socket, and lets every page try.
  const { origin } = request.headers;
  if (origin === undefined || URL.parse(origin)?.host === request.host) return undefined;
  return sendProblem(reply, FOREIGN_ORIGIN);
}
