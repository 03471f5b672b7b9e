// The object graph of a sidecar with workers, and its order: this thread keeps the replica, the keys, operations and the
// membership of the fleet; Checks are answered in the workers. It answers none itself.

import type { Config } from "../config/config.ts";
import { ageMs } from "../core/clock.ts";
import { createOpsServer } from "../ops/server.ts";
import { watchReadiness } from "../ops/readiness.ts";
import type { Part } from "../lifecycle/lifecycle.ts";
import type { FleetAnswer } from "../revocation/preview/question.ts";
import { Publications } from "../revocation/shared/publications.ts";
import { systemClock } from "./clock.ts";
import { KEPT_FOR_MS, type FleetAnswers } from "./fleet-answers.ts";
import { createFleetMember } from "./fleet-member.ts";
import { createIssuers, issuersPart, type Issuers } from "./issuers.ts";
import { opsPart, replicaPart } from "./parts.ts";
import { identityJwksOf } from "./policy.ts";
import { answersOf, breakerOf, observedDenialsOf, totalsOf } from "./pulses.ts";
import { createReplicaOf } from "./store.ts";
import type { Telemetry } from "./telemetry.ts";
import { createTellingSources } from "./telling-sources.ts";
import { workedReadiness, workedStatus, type KeysInUse } from "./worked-facts.ts";
import { createWorkers, type Workers } from "./workers.ts";

export interface WorkedSidecar {
  /** In the order in which they start. The part of the workers drains them when it is stopped. */
  readonly parts: readonly Part[];
  readonly workers: Workers;
  /** All workers judge calls that begin later by `config`, or, where it rejects, none does. */
  replace(config: Config): Promise<void>;
}

export interface WorkedSidecarOptions {
  readonly telemetry: Telemetry;
  readonly version: string;
  readonly program: URL;
  /** A worker is gone: the process must end. */
  readonly failed: () => void;
}

/** A report a second is due, also while a worker is stuck. */
const TURN_TIMEOUT_MS = 1_000;

export function createWorkedSidecar(
  config: Config,
  { telemetry, version, program, failed }: WorkedSidecarOptions,
): WorkedSidecar {
  const { log, observer, output, scrape } = telemetry;
  const startedAt = systemClock.now();
  const publications = new Publications();
  const replica = createReplicaOf(config, log, observer, () => member.reportNow(), publications);
  const from = createTellingSources((name, reading) => workers.tell({ type: "keys", name, reading }));
  const sources = createIssuers(observer, log, from);
  const workers = createWorkers({
    config,
    program,
    publications: replica && publications,
    log,
    output,
    refetch: from.refetch,
    readings: from.readings,
    onDrain: () => readiness.drain(),
    failed,
  });
  const keys = createKeys(config, sources, workers);
  let { mode } = config;
  let identityJwks = identityJwksOf(config);
  observer.observing(mode === "observe");
  const readiness = watchReadiness({
    facts: () => ({ ...workedReadiness(workers, replica, keys.inUse()), isObserving: mode === "observe" }),
    clock: systemClock,
    onChange(ready) {
      workers.tell({ type: "serving", isServing: ready });
      log.info(ready ? "ready" : "not_ready");
    },
  });
  const ops = createOpsServer({
    listen: config.listen.ops,
    readiness: () => readiness.report(),
    metrics: (accept) => scrape.render(accept),
    status: () => ({
      ...workedStatus(config.store.type, workers, replica, keys.inUse()),
      version,
      upForMs: ageMs(startedAt, systemClock.now()),
      ready: readiness.report().ready,
      observing: mode === "observe" ? observedDenialsOf(workers.pulses()) : undefined,
    }),
    identityJwks: () => identityJwks,
    log,
  });
  const member = createFleetMember(
    config,
    undefined,
    {
      version,
      startedAt,
      replica,
      news: undefined,
      ladder: { breakerState: () => breakerOf(workers.pulses()) },
      totals: () => totalsOf(workers.pulses()),
      answers: answersFrom(workers),
      othersHeed: () => workers.haveTurned(TURN_TIMEOUT_MS),
    },
    log,
  );
  return {
    parts: [
      ...(replica === undefined ? [] : [replicaPart(replica)]),
      issuersPart(sources),
      opsPart(ops, readiness, log),
      workers.part,
      ...(member.part === undefined ? [] : [member.part]),
    ],
    workers,
    async replace(next) {
      await keys.replace(next);
      mode = next.mode;
      identityJwks = identityJwksOf(next);
    },
  };
}

interface Keys {
  inUse(): readonly KeysInUse[];
  replace(config: Config): Promise<void>;
}

/** The issuers in force here and in the workers, swapped together. */
function createKeys(config: Config, sources: Issuers, workers: Workers): Keys {
  let { issuers } = sources.use(config.issuers);
  let isSwapping = false;
  return {
    inUse: () =>
      issuers.map((issuer) => ({
        issuer,
        // While they are swapped one worker has the old and another the new ones: of all of them what was told is had.
        isTold: isSwapping || workers.pulses().every((pulse) => pulse.issuersWithKeys.includes(issuer.id)),
      })),
    async replace(next) {
      const fresh = sources.use(next.issuers);
      await fresh.settled;
      await workers.prepare(next);
      isSwapping = true;
      await workers.commit();
      ({ issuers } = fresh);
      isSwapping = false;
      await sources.retireUnused();
    },
  };
}

/** Each worker answers from the tokens that it has in memory. */
function answersFrom(workers: Workers): FleetAnswers {
  let ready: readonly FleetAnswer[] = [];
  let readyUntilMs = 0;
  return {
    ready: () => (systemClock.now().monotonicMs < readyUntilMs ? ready : []),
    async find(questions) {
      try {
        ready = answersOf(await workers.answersTo(questions));
        readyUntilMs = systemClock.now().monotonicMs + KEPT_FOR_MS;
      } catch {
        // One worker does not answer, so nobody can tell: the question stays open, as for a sidecar that is silent.
      }
    },
  };
}
