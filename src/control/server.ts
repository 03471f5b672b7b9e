// The control plane's HTTP server: limits, the gate, routes, one form for every error. It never sends CORS headers:
// no web page of another origin has business here.

import type { AddressInfo } from "node:net";
import type { Server as TlsServer } from "node:tls";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { TargetKind } from "../core/target.ts";
import type { EventLog } from "../revocation/event-log.ts";
import type { FleetBoard } from "../revocation/fleet-board.ts";
import type { PendingStore } from "../revocation/pending-store.ts";
import { RELAY_PATH } from "../revocation/relay/link.ts";
import type { Relay } from "../revocation/relay/relay.ts";
import { LOOK_UPS_PATH } from "../revocation/relay/store.ts";
import type { MarkerReader, RevocationWriter } from "../revocation/store.ts";
import type { Authenticator } from "./access.ts";
import { registerAudit } from "./api/audit.ts";
import { BATCH_TIMEOUT_MS, registerBatch } from "./api/batch.ts";
import { registerCheck } from "./api/check.ts";
import { registerFleet, REPORTS_PATH } from "./api/fleet.ts";
import { guard } from "./api/guard.ts";
import { registerIntrospect } from "./api/introspect.ts";
import { refuseOtherMethods } from "./api/methods.ts";
import { registerMetrics, registerProbes, type ControlOps } from "./api/ops.ts";
import { registerEvents } from "./api/events.ts";
import { registerPending } from "./api/pending.ts";
import { PREVIEW_PATH, registerPreview } from "./api/preview.ts";
import { registerRelay } from "./api/relay.ts";
import { registerRevocations } from "./api/revocations.ts";
import { sendProblem } from "./api/room.ts";
import { acceptWebSockets, mayUpgrade } from "./api/web-sockets.ts";
import type { AuditTrail } from "./audit/trail.ts";
import { createBootstrapAuthenticator, type BootstrapToken } from "./bootstrap-token.ts";
import { answerBrokenRequest, problemOfError } from "./errors.ts";
import { createEventHub } from "./events/hub.ts";
import { createFleetWatch } from "./fleet/receipt.ts";
import { createGate, type Gate } from "./gate.ts";
import { ingressPaths, registerGuardedIngress, registerIngress, type Ingress } from "./ingress/ingress.ts";
import type { Introspect } from "./introspection.ts";
import { parseJsonBody } from "./json-body.ts";
import type { IssuerLimits } from "./new-revocation.ts";
import { openApiDocument } from "./openapi.ts";
import { faultOfForm } from "./request-form.ts";
import { tlsOptions, useCertificate, type Certificate, type TlsListener } from "./tls.ts";
import type { Rate } from "./rate-limit.ts";

export interface ControlOptions {
  readonly store: RevocationWriter & MarkerReader & EventLog & FleetBoard & PendingStore;
  /** In the order of the configuration; at least one. */
  readonly issuers: readonly IssuerLimits[];
  readonly keyPrefix: string;
  readonly tokens: readonly BootstrapToken[];
  /** Kinds that another admin must approve. */
  readonly secondPerson: readonly TargetKind[];
  /** Asked in order after the bootstrap tokens. */
  readonly authenticators: readonly Authenticator[];
  readonly introspect: Introspect;
  readonly ingress: Ingress;
  /** Of the store's feed; ends with the server. undefined: the store has none. */
  readonly relay?: Relay | undefined;
  /** Begins and ends with the server. */
  readonly audit: AuditTrail;
  readonly clock: Clock;
  readonly log: Log;
  /** Port 0 takes a free one. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Undefined: plain HTTP. */
  readonly tls?: TlsListener | undefined;
  /** Of a process that has no listener for operations beside this one. */
  readonly ops?: ControlOps | undefined;
  /** Of the product, for the document. */
  readonly version: string;
  /** Of one caller; default 1,000/s. */
  readonly callerRate?: Rate;
  /** Of one address without a token known to be good; default 50/s. */
  readonly strangerRate?: Rate;
}

export interface ControlServer {
  /** Begins to listen; rejects with the system's error if it can't. Resolves with the URL without a final slash. */
  start(): Promise<string>;
  /** Where it speaks TLS: the certificate from now on, the first before it starts. Throws if it cannot be used. */
  use(certificate: Certificate): void;
  /** Takes no new requests, lets running ones finish for at most `graceMs`, then cuts them off. */
  stop(graceMs: number): Promise<void>;
}

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

export function createControlServer(options: ControlOptions): ControlServer {
  const app = fastify({
    bodyLimit: BODY_LIMIT_BYTES,
    ...listenerOptions(options.tls),
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
  const gate = createGate({ ...options, bootstrap: createBootstrapAuthenticator(options.tokens) });
  acceptJsonOnly(app);
  answerErrors(app, gate, options.log);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SECURITY_HEADERS);
    limitBody(request, reply);
    const fault = faultOfForm(request.raw);
    return fault === undefined ? undefined : sendProblem(reply, gate.chargeStranger(request.raw) ?? fault);
  });
  addDocument(app, gate, openApiDocument(options.version, ingressPaths(options.ingress)));
  for (const [url, allowed] of Object.entries(ALLOWED_METHODS)) refuseOtherMethods(app, gate, url, allowed);
  const { ops } = options;
  if (ops !== undefined) {
    registerProbes(app, gate, ops);
    app.register(async (own) => {
      guard(own, gate, options.audit);
      registerMetrics(own, ops);
    });
  }
  const events = createEventHub(options.store, options.clock);
  app.addHook("preClose", async () => {
    events.stop();
    await options.relay?.stop();
  });
  const room = { ...options, fleet: createFleetWatch(options.store, options.clock) };
  app.register(async (v1) => {
    await acceptWebSockets(v1);
    guard(v1, gate, options.audit);
    registerEvents(v1, { ...room, events, gate });
    registerFleet(v1, options.store, room.fleet);
    registerRelay(v1, { ...room, relay: options.relay, gate });
    registerRevocations(v1, room);
    registerPending(v1, room);
    registerPreview(v1, room, options.store);
    registerBatch(v1, room);
    registerCheck(v1, room);
    registerIntrospect(v1, options.introspect);
    registerAudit(v1, room);
    registerGuardedIngress(v1, room, options.ingress);
  });
  registerIngress(app, room, gate, options.ingress);
  return {
    async start() {
      options.audit.start();
      await app.listen({ host: options.listen.host, port: options.listen.port });
      for (const following of options.ingress.followed) following.start(room);
      const { address, port, family } = app.server.address() as AddressInfo;
      return `${options.tls === undefined ? "http" : "https"}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
    },
    use: (certificate) => useCertificate(app.server as unknown as TlsServer, certificate),
    async stop(graceMs) {
      const cutOff = setTimeout(() => app.server.closeAllConnections(), graceMs);
      await Promise.all([app.close(), ...options.ingress.followed.map((following) => following.stop())]);
      clearTimeout(cutOff);
      await options.audit.stop();
    },
  };
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

const ALLOWED_METHODS: Readonly<Record<string, readonly string[]>> = {
  "/openapi.json": ["GET", "HEAD"],
  "/v1/revocations": ["GET", "HEAD", "POST"],
  "/v1/revocations/batch": ["POST"],
  [PREVIEW_PATH]: ["POST"],
  "/v1/revocations/pending": ["GET", "HEAD"],
  "/v1/revocations/pending/:id": ["DELETE"],
  "/v1/revocations/pending/:id/approve": ["POST"],
  "/v1/revocations/:id": ["GET", "HEAD", "DELETE"],
  "/v1/check": ["GET", "HEAD"],
  "/v1/introspect": ["POST"],
  "/v1/events": ["GET"],
  "/v1/fleet": ["GET", "HEAD"],
  [REPORTS_PATH]: ["POST"],
  "/v1/events/ws": ["GET"],
  [RELAY_PATH]: ["GET"],
  [LOOK_UPS_PATH]: ["POST"],
  "/v1/audit": ["GET", "HEAD"],
  "/v1/audit/verify": ["GET", "HEAD"],
};

function addDocument(app: FastifyInstance, gate: Gate, document: object): void {
  app.get("/openapi.json", (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    return limited === undefined ? reply.send(document) : sendProblem(reply, limited);
  });
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
