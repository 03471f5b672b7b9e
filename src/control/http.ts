// The HTTP server under the control API: its limits, how a body is read, one form for every error. It knows no route.

import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Log } from "../core/log.ts";
import { BATCH_TIMEOUT_MS } from "./api/batch.ts";
import { sendProblem } from "./api/room.ts";
import { mayUpgrade } from "./api/web-sockets.ts";
import { answerBrokenRequest, problemOfError } from "./errors.ts";
import type { Gate } from "./gate.ts";
import { parseJsonBody } from "./json-body.ts";
import { faultOfForm } from "./request-form.ts";
import { tlsOptions, type TlsListener } from "./tls.ts";

const BODY_LIMIT_BYTES = 64 * 1024;
/** Of a request's headers, and as long again of a body, where the route says nothing else. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How often the library looks for requests whose headers are overdue. */
const OVERDUE_CHECK_MS = 2_000;
/** Of the work on one request, once it is read: more than any store takes to give up. */
const WORK_TIMEOUT_MS = 10_000;
/** Of a connection on which nothing moves: so the answer to what is overdue is still heard. */
const SILENCE_TIMEOUT_MS = 25_000;
const KEEP_ALIVE_MS = 5_000;
/** A relayed sidecar makes up to three that stay; an idle one costs some 20 KB. */
const MAX_CONNECTIONS = 8_192;
/** Ids of other programs' markers may be long. */
const MAX_ID_LENGTH = 2_048;

/** Nobody keeps, guesses at, frames, or runs what is answered. */
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

/** `tls` undefined: plain HTTP. */
export function createHttp(tls: TlsListener | undefined, gate: Gate, log: Log): FastifyInstance {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    ...listenerOptions(tls),
    requestTimeout: BATCH_TIMEOUT_MS,
    connectionTimeout: SILENCE_TIMEOUT_MS,
    handlerTimeout: REQUEST_TIMEOUT_MS + WORK_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    routerOptions: { maxParamLength: MAX_ID_LENGTH },
    // A validator that mends what it checks would revoke something nobody wrote.
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false, useDefaults: false } },
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, _request, reply) => void sendProblem(reply, problemOfError(error)),
  });
  app.server.maxConnections = MAX_CONNECTIONS;
  acceptJsonOnly(app);
  answerErrors(app, gate, log);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    limitBody(request, reply);
    const fault = faultOfForm(request.raw);
    return fault === undefined ? undefined : sendProblem(reply, gate.chargeStranger(request.raw) ?? fault);
  });
  return app;
}

/** Of the library that listens; `http` is for both, which its types do not say. */
function listenerOptions(tls: TlsListener | undefined): { readonly http: object } {
  const http = {
    headersTimeout: REQUEST_TIMEOUT_MS,
    connectionsCheckingInterval: OVERDUE_CHECK_MS,
    shouldUpgradeCallback: mayUpgrade,
  };
  return tls === undefined ? { http } : ({ https: { ...http, ...tlsOptions(tls) } } as unknown as { http: object });
}

function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => {
    // Many clients name a content type on a DELETE that has no body.
    if (body.length === 0 && request.method === "DELETE") return done(null, undefined);
    const parsed = parseJsonBody(body as Buffer);
    if (parsed.ok) done(null, parsed.value);
    else done(Object.assign(new Error(parsed.error), { statusCode: 400 }), undefined);
  });
}

function answerErrors(app: FastifyInstance, gate: Gate, log: Log): void {
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOfError(error);
    if (problem.code === "internal_error") {
      log.error("control_request_failed", {
        route: request.routeOptions.url,
        error: String((error as Error).stack ?? error),
      });
    }
    return sendProblem(reply, problem);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, gate.chargeStranger(request.raw) ?? { code: "not_found", detail: "There is no such path." }),
  );
}

/**
 * A body that trickles in is cut off: the library's own limit is that of the longest route. One that nobody reads any
 * more, for its request was answered, gets no longer than any other.
 */
function limitBody({ raw, routeOptions }: FastifyRequest, reply: FastifyReply): void {
  const { bodyTimeoutMs } = routeOptions.config as { readonly bodyTimeoutMs?: number };
  const answered = setTimeout(() => {
    if (!raw.complete && reply.raw.writableEnded) raw.destroy();
  }, REQUEST_TIMEOUT_MS);
  const overdue = setTimeout(() => {
    if (raw.complete) return;
    if (reply.sent) raw.destroy();
    else void sendProblem(reply.header("connection", "close"), { code: "request_timeout" });
  }, bodyTimeoutMs ?? REQUEST_TIMEOUT_MS);
  const done = (): void => {
    clearTimeout(answered);
    clearTimeout(overdue);
  };
  raw.once("close", done);
  reply.raw.once("close", () => {
    if (raw.complete) done();
  });
}
