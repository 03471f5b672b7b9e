// The whole object graph of a sidecar, and the order in which it starts, reloads, drains and stops.

import { formatAddress } from "../config/address.ts";
import type { Config } from "../config/config.ts";
import { createCheckHandler } from "../ext-authz/check-handler.ts";
import { createGrpcServer } from "../ext-authz/server.ts";
import type { Transport } from "../ext-authz/transport.ts";
import { createWireServer } from "../ext-authz/wire/server.ts";
import { createOpsServer, type OpsServer } from "../ops/server.ts";
import { watchReadiness, type Readiness } from "../ops/readiness.ts";
import type { Log } from "../core/log.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { FleetBoard } from "../revocation/fleet-board.ts";
import type { Issuer } from "../token/issuer.ts";
import { readTls, watchTls } from "./tls.ts";
import { systemClock } from "./clock.ts";
import { readinessFacts, statusFacts } from "./facts.ts";
import { createFleetMember } from "./fleet-member.ts";
import { createIssuers } from "./issuers.ts";
import { ladderPart } from "./parts.ts";
import { raiseLadder, type Ladder } from "./ladder.ts";
import { compilePolicy } from "./policy.ts";
import { createSenderJudge } from "./senders.ts";
import { createNewsOf, createReplicaOf, type SidecarStore } from "./store.ts";
import type { Telemetry } from "./telemetry.ts";

export interface Sidecar {
  /** In the order in which they start. The gRPC part drains when it is stopped. */
  readonly parts: readonly Part[];
  /** The ladder, for whoever else judges in this process. */
  readonly ladder: Ladder;
  /** The issuers it starts with. Their keys are kept fresh to the end for whoever asked for them, reloads or not. */
  keepIssuers(): readonly Issuer[];
  /** Judges calls that begin later by `config`. What only a restart can change is not touched. */
  replace(config: Config): Promise<void>;
}

const CREATE_TRANSPORT = { wire: createWireServer, "grpc-js": createGrpcServer } as const;

/** Nothing here takes longer but a drain, which has deadlines of its own. */
const PART_TIMEOUT_MS = 5_000;
const DEADLINES = { startTimeoutMs: PART_TIMEOUT_MS, stopTimeoutMs: PART_TIMEOUT_MS };

/** `board`: where a control plane in this process hears of it; undefined: it is elsewhere. */
export function createSidecar(
  config: Config,
  store: SidecarStore,
  telemetry: Telemetry,
  version: string,
  board: FleetBoard | undefined,
): Sidecar {
  const { log, observer, tracing, scrape } = telemetry;
  const startedAt = systemClock.now();
  const replica = createReplicaOf(config, log, observer, () => member.reportNow());
  const news = createNewsOf(store, () => member.reportNow());
  const ladder = raiseLadder(config, store, observer, replica, news);
  const member = createFleetMember(
    config,
    board,
    { version, startedAt, replica, news, ladder, totals: observer.decisionTotals, recent: () => policy.recent() },
    log,
  );
  const issuers = createIssuers(observer, log);
  let used = issuers.use(config.issuers);

  const judges = { guard: ladder.guard, observer, log, possession: createSenderJudge(config) };
  let policy = compilePolicy(config, { ...judges, issuers: used.issuers });
  tellMode(config, telemetry);

  const checks = createCheckHandler({ clock: systemClock, observer, log, tracer: tracing, policy });
  const transport = CREATE_TRANSPORT[config.listen.transport]({
    listen: config.listen.grpc.map(formatAddress),
    tls: readTls(config),
    checks,
    log,
    beforeHealth: () => void readiness.report(), // which tells of a change, so that neither answer trails the other
  });
  const readiness = watchReadiness({
    facts: () => ({ ...readinessFacts(store, ladder, replica, used.issuers), isObserving: policy.mode === "observe" }),
    clock: systemClock,
    onChange(ready) {
      transport.setServing(ready);
      log.info(ready ? "ready" : "not_ready");
    },
  });
  const ops = createOpsServer({
    listen: config.listen.ops,
    readiness: () => readiness.report(),
    metrics: (accept) => scrape.render(accept),
    status: () =>
      statusFacts({
        version,
        startedAt,
        ready: readiness.report().ready,
        store,
        ladder,
        replica,
        issuers: used.issuers,
        decisions: observer.decisionRates(),
        observing: policy.mode === "observe" ? observer.observedDenials() : undefined,
        inFlightCount: policy.admission.inFlight,
      }),
    identityJwks: () => policy.identityJwks,
    log,
  });

  const parts: readonly Part[] = [
    ladderPart(ladder, replica, news),
    {
      name: "keys",
      // Not waited for: readiness does, and a Check before they are here is told `keys_unavailable`.
      start: () => Promise.resolve(),
      stop: () => issuers.stop(),
      ...DEADLINES,
    },
    opsPart(ops, readiness, log),
    certificatesPart(config, log, transport),
    {
      name: "grpc",
      async start() {
        log.info("listening", { part: "grpc", addresses: await transport.start() });
      },
      async stop() {
        readiness.drain();
        log.info("drained", { outcome: await transport.drain(config.drain.delayMs, config.drain.timeoutMs) });
      },
      startTimeoutMs: PART_TIMEOUT_MS,
      stopTimeoutMs: config.drain.delayMs + config.drain.timeoutMs + PART_TIMEOUT_MS,
    },
  ];

  return {
    parts: member.part === undefined ? parts : [...parts, member.part],
    ladder,
    keepIssuers() {
      issuers.keep(used.issuers);
      return used.issuers;
    },
    async replace(next) {
      const fresh = issuers.use(next.issuers);
      await fresh.settled;
      used = fresh;
      policy = compilePolicy(next, { ...judges, issuers: fresh.issuers });
      tellMode(next, telemetry);
      checks.replace(policy);
      await issuers.retireUnused();
    },
  };
}

/** Nobody must take a sidecar that refuses nothing for a guard. */
function tellMode({ mode }: Config, { log, observer }: Telemetry): void {
  observer.observing(mode === "observe");
  if (mode === "observe") log.warn("observing", { refuses: "nothing", say: "mode: enforce, to guard" });
}

/** Stopped after the listener, for parts stop in reverse. */
function certificatesPart(config: Config, log: Telemetry["log"], transport: Transport): Part {
  const { tls } = config.listen;
  const end = tls === undefined ? undefined : watchTls(tls, log, (material) => transport.renewTls(material));
  return {
    name: "certificates",
    start: () => Promise.resolve(),
    async stop() {
      end?.();
    },
    ...DEADLINES,
  };
}

function opsPart(ops: OpsServer, readiness: Readiness, log: Log): Part {
  return {
    name: "ops",
    async start() {
      log.info("listening", { part: "ops", address: await ops.start() });
    },
    async stop() {
      readiness.stop();
      await ops.stop();
    },
    ...DEADLINES,
  };
}
