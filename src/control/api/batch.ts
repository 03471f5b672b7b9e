// The route that revokes in bulk: lines in, lines out, each answered in its place. What is wrong with the call as a
// whole is told before the first answer; afterwards each line speaks for itself.

import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { MAX_BATCH_BYTES, revokeBatch } from "../batch/batch.ts";
import { createRoomForBatches, type RoomForBatches } from "../batch/room-for-batches.ts";
import { problemOfValidation } from "../errors.ts";
import type { Problem } from "../problem.ts";
import { NEW_REVOCATION, REVOKE_HEADERS } from "../schemas.ts";
import { callerOf, sendProblem, type Room } from "./room.ts";

/** Of all batches and of one caller's: what they keep in memory is bounded with them. */
const MAX_BATCHES = 16;
const MAX_BATCHES_OF_A_CALLER = 4;
/** Of a whole batch, the reading of its answers included. */
export const BATCH_TIMEOUT_MS = 300_000;

const NDJSON = "application/x-ndjson";

const TOO_MANY_BATCHES: Problem = {
  code: "too_many_requests",
  detail: "Too many batches are under way.",
  headers: { "retry-after": "1" },
};

export function registerBatch(app: FastifyInstance, room: Room): void {
  const batches = createRoomForBatches(MAX_BATCHES, MAX_BATCHES_OF_A_CALLER);
  // In a scope of its own, so that lines are taken here and nowhere else, and nothing else here.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(NDJSON, (_request, payload, done) => done(null, payload));
    scope.post(
      "/v1/revocations/batch",
      {
        schema: { headers: REVOKE_HEADERS },
        handlerTimeout: BATCH_TIMEOUT_MS,
        config: { bodyTimeoutMs: BATCH_TIMEOUT_MS },
      },
      (request, reply) => answer(room, batches, request, reply),
    );
  });
}

/** Answers later, and by itself. */
function answer(room: Room, batches: RoomForBatches, request: FastifyRequest, reply: FastifyReply): void {
  const caller = callerOf(request);
  const chunks = request.body as Readable | undefined;
  if (chunks === undefined) return void sendProblem(reply, { code: "unsupported_media_type" });
  if (Number(request.headers["content-length"] ?? 0) > MAX_BATCH_BYTES) {
    return void sendProblem(reply, { code: "body_too_large" });
  }
  if (!batches.enter(caller.name)) return void sendProblem(reply, TOO_MANY_BATCHES);
  const answers = new Readable({ read() {} });
  let isAnswered = false;
  const begin = (): void => {
    if (isAnswered) return;
    isAnswered = true;
    reply.code(200).type(NDJSON).send(answers);
  };
  const key = request.headers["idempotency-key"];
  revokeBatch(room, {
    caller,
    key: typeof key === "string" ? key : undefined,
    chunks,
    faultOfForm: formOf(request),
    say(line) {
      begin();
      answers.push(line);
    },
    refuse(problem) {
      isAnswered = true;
      sendProblem(reply, problem);
    },
    isGone: () => reply.raw.destroyed,
  })
    .catch(() => undefined) // the caller went away in the middle: there is nobody to tell
    .finally(() => {
      batches.leave(caller.name);
      begin();
      answers.push(null);
    });
}

function formOf(request: FastifyRequest): (body: unknown) => Problem | undefined {
  const validate = request.compileValidationSchema(NEW_REVOCATION, "body");
  return (body) => (validate(body) ? undefined : problemOfValidation(validate.errors ?? []));
}
