// Tells what is revoked and lifted as it happens: server-sent events, and the same over a WebSocket. It decides who may
// follow and from where; what there is to tell comes from the hub.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { err, ok, type Result } from "../../core/result.ts";
import { nameInLog } from "../access.ts";
import { EVENTS_HEADERS, EVENTS_QUERY } from "../events/event-schemas.ts";
import type { EventHub, Follower } from "../events/hub.ts";
import { createSeats, type Seats } from "../events/seats.ts";
import { serverSentEvents } from "../events/server-sent.ts";
import { runStream, type Outlet } from "../events/stream.ts";
import { webSocketMessages } from "../events/web-socket.ts";
import type { Gate } from "../gate.ts";
import type { Problem } from "../problem.ts";
import { callerOf, sendProblem, type Room } from "./room.ts";
import { EVENTS_SOCKET_PATH, requireUpgrade } from "./web-sockets.ts";

export interface EventsRoom extends Room {
  readonly events: EventHub;
  readonly gate: Gate;
}

interface EventsQuery {
  readonly after?: string;
}

/** What a stream holds of the control plane until it is over. */
interface Place {
  readonly follower: Follower;
  release(): void;
}

/** Of MAX_CONNECTIONS; each costs some 50 KB and two judgements of its caller a second. */
const MAX_STREAMS = 400;
const MAX_STREAMS_PER_CALLER = 200;

const FULL: Problem = {
  code: "too_many_requests",
  detail: "Too many streams of events are open.",
  headers: { "retry-after": "5" },
};
const NO_LOG: Problem = {
  code: "store_unavailable",
  detail: "The store does not tell where its log stands.",
  headers: { "retry-after": "1" },
};

export function registerEvents(app: FastifyInstance, room: EventsRoom): void {
  const seats = createSeats(MAX_STREAMS, MAX_STREAMS_PER_CALLER);
  const schema = { querystring: EVENTS_QUERY, headers: EVENTS_HEADERS };
  const places = new WeakMap<FastifyRequest, Place>();

  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    const place = await placeFor(request, room, seats);
    if (!place.ok) return sendProblem(reply, place.error);
    places.set(request, place.value);
    return undefined;
  }

  async function stream(request: FastifyRequest, outlet: Outlet): Promise<void> {
    const place = places.get(request);
    if (place === undefined) return;
    const { clock, gate, log } = room;
    const judgeAgain = (): ReturnType<Gate["judgeAgain"]> => gate.judgeAgain(request.raw);
    const cause = await runStream({ follower: place.follower, outlet, clock, judgeAgain });
    place.release();
    if (cause !== "stopping") log.warn("event_stream_cut", { cause, by: nameInLog(callerOf(request)) });
  }

  app.get("/v1/events", { schema, exposeHeadRoute: false, preHandler: admit }, (request, reply) => {
    reply.hijack();
    void stream(request, serverSentEvents(reply.raw));
  });
  app.get(
    EVENTS_SOCKET_PATH,
    { schema, exposeHeadRoute: false, websocket: true, preValidation: requireUpgrade, preHandler: admit },
    (socket, request) => stream(request, webSocketMessages(socket)),
  );
}

async function placeFor(request: FastifyRequest, room: EventsRoom, seats: Seats): Promise<Result<Place, Problem>> {
  const leaveSeat = seats.take(callerOf(request).name);
  if (leaveSeat === undefined) return err(FULL);
  const follower = await room.events.follow(afterOf(request));
  if (follower === undefined) {
    leaveSeat();
    return err(NO_LOG);
  }
  const { socket } = request.raw;
  const release = (): void => {
    socket.off("close", release);
    follower.leave();
    leaveSeat();
  };
  // It may be gone before there is a stream to notice.
  socket.once("close", release);
  if (socket.destroyed) release();
  return ok({ follower, release });
}

/** Where an EventSource says it was, which it does by itself; else where its first connection asked to begin. */
function afterOf(request: FastifyRequest): number | undefined {
  const last = request.headers["last-event-id"];
  const after = typeof last === "string" && last !== "" ? last : (request.query as EventsQuery).after;
  return after === undefined ? undefined : Number(after);
}
