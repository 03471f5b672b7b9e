// Gathers what readiness is judged on, and what `/status` shows, of a sidecar with workers. Reads only; judges nothing.

import { ageMs } from "../core/clock.ts";
import type { ReadinessFacts } from "../ops/readiness.ts";
import type { StatusFacts } from "../ops/status.ts";
import type { Replica } from "../revocation/replica/replica.ts";
import type { Issuer } from "../token/issuer.ts";
import { systemClock } from "./clock.ts";
import { keysFacts, replicaFacts } from "./facts.ts";
import { breakerOf, decisionsOf, storeOf } from "./pulses.ts";
import type { Workers } from "./workers.ts";

/** An issuer's keys, and whether every worker has them. */
export interface KeysInUse {
  readonly issuer: Issuer;
  readonly isTold: boolean;
}

export function workedReadiness(
  workers: Workers,
  replica: Replica | undefined,
  keys: readonly KeysInUse[],
): Omit<ReadinessFacts, "isObserving"> {
  const pulses = workers.pulses();
  const { reachable = false, unfit, lastAnswerAt } = storeOf(pulses) ?? {};
  return {
    store: { answeredOnce: lastAnswerAt !== undefined, reachable, unfit },
    replica: replica === undefined ? undefined : replicaFacts(replica, systemClock.now()),
    issuers: keys.map(({ issuer, isTold }) => ({ id: issuer.id, hasKeys: isTold && issuer.keys.status().hasKeys })),
    workers: { count: workers.count, workingCount: workers.hasFailed() ? 0 : pulses.length },
  };
}

/** `storeType` is shown until a worker has told how its store is. */
export function workedStatus(
  storeType: StatusFacts["store"]["type"],
  workers: Workers,
  replica: Replica | undefined,
  keys: readonly KeysInUse[],
): Omit<StatusFacts, "version" | "upForMs" | "ready" | "observing"> {
  const now = systemClock.now();
  const pulses = workers.pulses();
  const { type = storeType, describe = "", reachable = false, unfit, lastAnswerAt } = storeOf(pulses) ?? {};
  return {
    store: {
      type,
      describe,
      reachable,
      unfit,
      lastAnswerAgeMs: lastAnswerAt === undefined ? undefined : ageMs(lastAnswerAt, now),
    },
    replica: replica === undefined ? undefined : replicaFacts(replica, now),
    breaker: breakerOf(pulses),
    issuers: keys.map(({ issuer }) => keysFacts(issuer, now)),
    decisions: decisionsOf(pulses),
    inFlightCount: pulses.reduce((sum, { inFlightCount }) => sum + inFlightCount, 0),
  };
}
