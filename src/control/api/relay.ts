// The feed and the store for sidecars that have neither: what a relay tells over a WebSocket, and look-ups of markers.
// It decides who may follow; of any other key of the store nobody learns here.

import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Relay, Resumption } from "../../revocation/relay/relay.ts";
import { readAsk } from "../../revocation/relay/messages.ts";
import { LOOK_UPS_PATH } from "../../revocation/relay/store.ts";
import { RELAY_PATH } from "../../revocation/relay/link.ts";
import { targetOfKey } from "../../revocation/marker-keys.ts";
import { nameInLog } from "../access.ts";
import type { Gate } from "../gate.ts";
import type { Problem } from "../problem.ts";
import { relayOutlet } from "../relay/outlet.ts";
import { LOOK_UPS, RELAY_QUERY } from "../relay/relay-schemas.ts";
import { callerOf, sendProblem, type Room } from "./room.ts";
import { requireUpgrade } from "./web-sockets.ts";

export interface RelayRoom extends Room {
  /** undefined: the store feeds nobody. */
  readonly relay: Relay | undefined;
  readonly gate: Gate;
}

/** Of MAX_CONNECTIONS; the others that a fleet makes are for reports and look-ups. */
const MAX_FOLLOWERS = 2_500;

/** 2,048 of the longest keys are 1 MiB; 1,024 ordinary ones a tenth. */
const MAX_LOOK_UPS_BYTES = 1_280 * 1_024;

/** Whoever asks waits less. */
const LOOK_UP_TIMEOUT_MS = 1_000;

/** A revoked caller is refused within 2 s, and so is one of whom nothing can be told for so long. */
const JUDGE_EVERY_MS = 900;
const GOOD_FOR_MS = 1_900;

const SIDECARS_ONLY = { scope: "portcullis:sidecar" } as const;

const NO_FEED: Problem = { code: "unavailable", detail: "The store of this control plane feeds nobody." };
const FULL: Problem = {
  code: "too_many_requests",
  detail: "Too many sidecars follow this control plane.",
  headers: { "retry-after": "5" },
};
const NO_MARKER: Problem = {
  code: "invalid_request",
  detail: "A key is no marker's here: is store.keyPrefix the same?",
};

export function registerRelay(app: FastifyInstance, room: RelayRoom): void {
  const { relay } = room;
  let followerCount = 0;

  async function admit(_request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    if (relay === undefined) return sendProblem(reply, NO_FEED);
    return followerCount >= MAX_FOLLOWERS ? sendProblem(reply, FULL) : undefined;
  }

  app.get(
    RELAY_PATH,
    {
      schema: { querystring: RELAY_QUERY },
      config: SIDECARS_ONLY,
      exposeHeadRoute: false,
      websocket: true,
      preValidation: requireUpgrade,
      preHandler: admit,
    },
    (socket, request) => {
      if (relay === undefined) return;
      followerCount += 1;
      const subscriber = relay.follow(relayOutlet(socket), resumptionOf(request));
      const endJudging = keepJudging(request, room, () => {
        room.log.warn("relay_follower_refused", { by: nameInLog(callerOf(request)) });
        subscriber.end("refused");
      });
      socket.on("message", (data, isBinary) => {
        const question = isBinary ? undefined : readAsk((data as Buffer).toString("utf8"));
        if (question === undefined) socket.terminate();
        else subscriber.asked(question.ask);
      });
      socket.on("close", () => {
        followerCount -= 1;
        endJudging();
        subscriber.end("gone");
      });
    },
  );

  app.post<{ Body: { readonly keys: readonly string[] } }>(
    LOOK_UPS_PATH,
    { schema: { body: LOOK_UPS }, config: SIDECARS_ONLY, bodyLimit: MAX_LOOK_UPS_BYTES },
    async ({ body: { keys } }, reply) => {
      if (!keys.every((key) => targetOfKey(room.keyPrefix, key) !== undefined)) return sendProblem(reply, NO_MARKER);
      const values = await room.store.read(keys, LOOK_UP_TIMEOUT_MS);
      if (values.ok) return reply.send({ values: values.value });
      return sendProblem(reply, { code: "store_unavailable", cause: values.error.cause });
    },
  );
}

function resumptionOf(request: FastifyRequest): Resumption | undefined {
  const { relay, next } = request.query as { readonly relay?: string; readonly next?: string };
  return relay === undefined || next === undefined ? undefined : { relay, next: Number(next) };
}

/** Calls `refuse` once the caller would not be let in any more; the function returned ends it. */
function keepJudging(request: FastifyRequest, { gate, clock }: RelayRoom, refuse: () => void): () => void {
  let goodAtMs = clock.now().monotonicMs;
  async function judge(): Promise<void> {
    const nowMs = clock.now().monotonicMs;
    const judgement = await gate.judgeAgain(request.raw);
    if (judgement === "good") goodAtMs = nowMs;
    if (judgement === "refused" || clock.now().monotonicMs - goodAtMs > GOOD_FOR_MS) refuse();
  }
  const timer = setInterval(() => void judge(), JUDGE_EVERY_MS);
  return () => clearInterval(timer);
}
