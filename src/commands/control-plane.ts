// Builds the control plane over a store and a ladder that somebody else started.

import type { Config } from "../config/config.ts";
import type { DashboardConfig } from "../config/control-config.ts";
import { createAccessTokens, type AccessTokens } from "../control/access-token.ts";
import type { Explain } from "../control/api/explain.ts";
import type { ControlOps } from "../control/api/ops.ts";
import type { Room } from "../control/api/room.ts";
import { createAuditTrail } from "../control/audit/trail.ts";
import type { BootstrapToken } from "../control/bootstrap-token.ts";
import { createFleetWatch } from "../control/fleet/receipt.ts";
import { createIntrospection, INTROSPECTED_CLAIMS } from "../control/introspection.ts";
import { createControlServer, type ControlServer } from "../control/server.ts";
import { ok } from "../core/result.ts";
import type { RevocationStore } from "../revocation/revocation-store.ts";
import { subjectOf, type RevocationSubject } from "../revocation/subject.ts";
import type { Issuer } from "../token/issuer.ts";
import type { Sender } from "../token/sender.ts";
import type { StatusLists } from "../token/status/status-lists.ts";
import { createVerifier, type Verifier } from "../token/verifier.ts";
import { systemClock } from "./clock.ts";
import { createDashboard } from "./dashboard.ts";
import { explainedPolicy } from "./explained.ts";
import { explanationOf, requestOf } from "./explanation.ts";
import { createTransmitters, ingressOf } from "./ingress.ts";
import type { Ladder } from "./ladder.ts";
import { statusListsOf } from "./status-lists.ts";
import { createRelayOf } from "./store.ts";
import type { Telemetry } from "./telemetry.ts";
import { readTlsOf, watchTls } from "./tls.ts";

/** Of judging one caller: a person or a program waits, no proxy does. */
const ACCESS_TIMEOUT_MS = 2_000;
/** More than any organisation has administrators at work; introspection asks the store each time anyway. */
const MAX_VERIFIED_TOKENS = 1_000;

export interface ControlPlane extends Pick<ControlServer, "start" | "stop"> {
  /** What whoever revokes by another way than HTTP stands on; its audit trail begins and ends with the server. */
  readonly room: Room;
}

export interface ControlPlaneParts {
  readonly store: RevocationStore;
  readonly ladder: Ladder;
  readonly issuers: readonly Issuer[];
  readonly telemetry: Telemetry;
  /** Besides those of the configuration. */
  readonly tokens: readonly BootstrapToken[];
  readonly version: string;
  /** undefined: there is none. */
  readonly dashboard: DashboardConfig | undefined;
  /** Of a process that is nothing else. */
  readonly ops?: ControlOps;
}

/** A control plane; it follows the files of its certificate, where it speaks TLS. */
export function createControlPlane(config: Config, parts: ControlPlaneParts): ControlPlane {
  const transmitters = createTransmitters(config, parts.telemetry);
  const room = roomOf(config, parts);
  const server = createServer(config, parts, room, transmitters.senders);
  const { tls } = config.control;
  let end: (() => void) | undefined;
  return {
    room,
    async start() {
      transmitters.start();
      if (tls === undefined) return server.start();
      server.use(readTlsOf("control.tls", tls));
      end = watchTls(tls, parts.telemetry.log, (material) => server.use(material));
      return server.start();
    },
    async stop(graceMs) {
      end?.();
      await server.stop(graceMs);
      await transmitters.stop();
    },
  };
}

function roomOf(config: Config, { store, telemetry }: ControlPlaneParts): Room {
  const { log, observer } = telemetry;
  return {
    store,
    issuers: config.issuers,
    keyPrefix: config.store.keyPrefix,
    secondPerson: config.control.secondPerson,
    audit: createAuditTrail({ ...config.control.audit, store, clock: systemClock, log, observer }),
    fleet: createFleetWatch(store, systemClock),
    clock: systemClock,
    log,
  };
}

function createServer(
  config: Config,
  parts: ControlPlaneParts,
  room: Room,
  transmitters: readonly Sender[],
): ControlServer {
  const { tls } = config.control;
  const admin = parts.issuers.find((issuer) => issuer.id === config.control.issuer);
  const verifier = verifierOf(parts.issuers, config, parts.telemetry);
  const accessTokens = admin === undefined ? undefined : accessTokensOf(admin, config, parts);
  const tokens = [...config.control.tokens, ...parts.tokens];
  return createControlServer({
    ...room,
    store: parts.store,
    relay: createRelayOf(config, parts.telemetry.log, parts.telemetry.observer),
    tokens,
    authenticators: accessTokens === undefined ? [] : [accessTokens],
    dashboard: createDashboard(parts.dashboard, {
      tokens,
      accessTokens,
      issuers: config.issuers,
      version: parts.version,
    }),
    explain: explainOf(config, parts),
    introspect: createIntrospection({
      verifier: checkingVerifierOf(parts.issuers, config, parts.telemetry),
      store: parts.store,
      clock: systemClock,
      timeoutMs: ACCESS_TIMEOUT_MS,
    }),
    ingress: ingressOf(config, { ...parts, verifier, transmitters, observer: parts.telemetry.observer }),
    listen: config.listen.control,
    tls: tls === undefined ? undefined : { clientCertificates: tls.clientCaFile !== undefined },
    version: parts.version,
    ops: parts.ops,
  });
}

/** By this control plane's configuration, which may be another than that of some sidecar. */
function explainOf(config: Config, { issuers, ladder }: ControlPlaneParts): Explain {
  const explained = explainedPolicy(config, issuers, ladder.guard);
  return ({ method, path, headers = [] }) => {
    const named = headers.map(({ name, value }) => [name.toLowerCase(), value] as const);
    return explanationOf(requestOf(method, path, named), explained, ACCESS_TIMEOUT_MS);
  };
}

function accessTokensOf(admin: Issuer, config: Config, { ladder, telemetry }: ControlPlaneParts): AccessTokens {
  return createAccessTokens({
    verifier: checkingVerifierOf([{ ...admin, audiences: [config.control.audience] }], config, telemetry),
    guard: ladder.guard,
    clock: systemClock,
    timeoutMs: ACCESS_TIMEOUT_MS,
  });
}

/** Judges as a Check would, the status lists of the issuers included. */
function checkingVerifierOf(
  issuers: readonly Issuer[],
  config: Config,
  telemetry: Telemetry,
): Verifier<RevocationSubject> {
  return verifierOf(issuers, config, telemetry, statusListsOf(config, issuers, telemetry));
}

function verifierOf(
  issuers: readonly Issuer[],
  { limits, store }: Config,
  { observer }: Telemetry,
  statusLists?: ReadonlyMap<string, StatusLists>,
): Verifier<RevocationSubject> {
  const skewMs = new Map(issuers.map((issuer) => [issuer.id, issuer.clockSkewMs]));
  return createVerifier<RevocationSubject>({
    issuers,
    maxTokenBytes: limits.maxTokenBytes,
    verifiedTokens: Math.min(limits.verifiedTokenCount, MAX_VERIFIED_TOKENS),
    maxWaiting: MAX_VERIFIED_TOKENS,
    clock: systemClock,
    observer,
    statusLists,
    keptClaims: INTROSPECTED_CLAIMS,
    compile: (principal, digest, memory) =>
      ok(subjectOf(principal, store.keyPrefix, digest, skewMs.get(principal.issuerId) ?? 0, memory)),
  });
}
