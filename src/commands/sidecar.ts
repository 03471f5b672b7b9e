// The whole object graph of a sidecar of one thread, and the order in which it starts, reloads, drains and stops.

import type { Config } from "../config/config.ts";
import { createOpsServer } from "../ops/server.ts";
import { watchReadiness } from "../ops/readiness.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import { eventLoop } from "../resilience/schedule.ts";
import type { FleetBoard } from "../revocation/fleet-board.ts";
import type { Issuer } from "../token/issuer.ts";
import { createAnswering } from "./answering.ts";
import { systemClock } from "./clock.ts";
import { readinessFacts, statusFacts } from "./facts.ts";
import { createAnswers } from "./fleet-answers.ts";
import { createFleetMember } from "./fleet-member.ts";
import { createIssuers } from "./issuers.ts";
import { ladderPart, opsPart } from "./parts.ts";
import { raiseLadder, type Ladder } from "./ladder.ts";
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

/** Nothing here takes longer but a drain, which has deadlines of its own. */
const PART_TIMEOUT_MS = 5_000;

/** `board`: where a control plane in this process hears of it; undefined: it is elsewhere. */
export function createSidecar(
  config: Config,
  store: SidecarStore,
  telemetry: Telemetry,
  version: string,
  board: FleetBoard | undefined,
): Sidecar {
  const { log, observer, scrape } = telemetry;
  const startedAt = systemClock.now();
  const replica = createReplicaOf(config, log, observer, () => member.reportNow());
  const news = createNewsOf(store, () => member.reportNow());
  const ladder = raiseLadder(config, store, observer, replica, news);
  const answers = createAnswers({ recent: () => answering.policy().recent(), clock: systemClock, schedule: eventLoop });
  const member = createFleetMember(
    config,
    board,
    {
      version,
      startedAt,
      replica,
      news,
      ladder,
      totals: observer.decisionTotals,
      answers,
    },
    log,
  );
  const sources = createIssuers(observer, log);
  const answering = createAnswering(config, {
    ladder,
    sources,
    telemetry,
    beforeHealth: () => void readiness.report(), // which tells of a change, so that neither answer trails the other
  });
  const { transport } = answering;
  const isObserving = (): boolean => answering.policy().mode === "observe";
  const readiness = watchReadiness({
    facts: () => ({
      ...readinessFacts(store, ladder, replica, answering.issuers()),
      isObserving: isObserving(),
    }),
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
        issuers: answering.issuers(),
        decisions: observer.decisionRates(),
        observing: isObserving() ? observer.observedDenials() : undefined,
        inFlightCount: answering.policy().admission.inFlight,
      }),
    identityJwks: () => answering.policy().identityJwks,
    log,
  });

  const parts: readonly Part[] = [
    ladderPart(ladder, replica, news),
    answering.keysPart,
    opsPart(ops, readiness, log),
    answering.certificatesPart,
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
      sources.keep(answering.issuers());
      return answering.issuers();
    },
    async replace(next) {
      const commit = await answering.prepare(next);
      await commit();
    },
  };
}
