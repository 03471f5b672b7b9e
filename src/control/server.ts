// The control plane's HTTP server: limits, the gate, routes, one form for every error. It never sends CORS headers:
// no web page of another origin has business here.

import type { AddressInfo } from "node:net";
import type { Server as TlsServer } from "node:tls";
import type { FastifyInstance } from "fastify";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { TargetKind } from "../core/target.ts";
import type { EventLog } from "../revocation/event-log.ts";
import type { FleetBoard } from "../revocation/fleet-board.ts";
import type { PendingStore } from "../revocation/pending-store.ts";
import type { Relay } from "../revocation/relay/relay.ts";
import type { MarkerReader, RevocationWriter } from "../revocation/store.ts";
import type { Authenticator } from "./access.ts";
import { registerAudit } from "./api/audit.ts";
import { registerBatch } from "./api/batch.ts";
import { registerCheck } from "./api/check.ts";
import { registerExplain, type Explain } from "./api/explain.ts";
import { registerFleet } from "./api/fleet.ts";
import { guard } from "./api/guard.ts";
import { registerIntrospect } from "./api/introspect.ts";
import { refuseOtherMethods } from "./api/methods.ts";
import { registerMetrics, registerProbes, type ControlOps } from "./api/ops.ts";
import { registerEvents } from "./api/events.ts";
import { registerPending } from "./api/pending.ts";
import { ALLOWED_METHODS } from "./api/paths.ts";
import { registerPreview } from "./api/preview.ts";
import { registerRelay } from "./api/relay.ts";
import { registerRevocations } from "./api/revocations.ts";
import { sendProblem } from "./api/room.ts";
import { acceptWebSockets } from "./api/web-sockets.ts";
import type { AuditTrail } from "./audit/trail.ts";
import { createBootstrapAuthenticator, type BootstrapToken } from "./bootstrap-token.ts";
import { registerDashboard, type Dashboard } from "./dashboard/dashboard.ts";
import { createEventHub } from "./events/hub.ts";
import { createFleetWatch } from "./fleet/receipt.ts";
import { createGate, type Gate } from "./gate.ts";
import { ingressPaths, registerGuardedIngress, registerIngress, type Ingress } from "./ingress/ingress.ts";
import type { Introspect } from "./introspection.ts";
import { createHttp } from "./http.ts";
import type { IssuerLimits } from "./new-revocation.ts";
import { openApiDocument } from "./openapi.ts";
import { useCertificate, type Certificate, type TlsListener } from "./tls.ts";
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
  readonly explain: Explain;
  /** Undefined: there is none. */
  readonly dashboard?: Dashboard | undefined;
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

export function createControlServer(options: ControlOptions): ControlServer {
  const gate = createGate({
    ...options,
    bootstrap: createBootstrapAuthenticator(options.tokens),
    sessions: options.dashboard?.sessions,
  });
  const app = createHttp(options.tls, gate, options.log);
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
    registerFleet(v1, options.store, room);
    registerExplain(v1, options.explain);
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
  if (options.dashboard !== undefined) registerDashboard(app, room, gate, options.dashboard);
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

function addDocument(app: FastifyInstance, gate: Gate, document: object): void {
  app.get("/openapi.json", (request, reply) => {
    const limited = gate.chargeStranger(request.raw);
    return limited === undefined ? reply.send(document) : sendProblem(reply, limited);
  });
}
