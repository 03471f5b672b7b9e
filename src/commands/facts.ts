// Gathers what readiness is judged on and what `/status` shows. Reads only; judges nothing.

import { ageMs, type Instant } from "../core/clock.ts";
import type { ReadinessFacts } from "../ops/readiness.ts";
import type { StatusFacts } from "../ops/status.ts";
import type { Replica } from "../revocation/replica/replica.ts";
import type { StoreHealth } from "../revocation/revocation-store.ts";
import type { Issuer } from "../token/issuer.ts";
import { systemClock } from "./clock.ts";
import type { Ladder } from "./ladder.ts";

/** What a store tells of itself. */
interface TellingStore {
  readonly type: StatusFacts["store"]["type"];
  health(): StoreHealth;
}

export function readinessFacts(
  store: TellingStore,
  ladder: Ladder,
  replica: Replica | undefined,
  issuers: readonly Issuer[],
): Omit<ReadinessFacts, "isObserving"> {
  const { reachable, unfit } = store.health();
  return {
    store: { answeredOnce: ladder.lookUp.lastAnswerAt() !== undefined, reachable, unfit },
    replica: replica === undefined ? undefined : replicaFacts(replica, systemClock.now()),
    issuers: issuers.map(({ id, keys }) => ({ id, hasKeys: keys.status().hasKeys })),
  };
}

export interface StatusSources extends Pick<
  StatusFacts,
  "version" | "ready" | "decisions" | "observing" | "inFlightCount"
> {
  readonly startedAt: Instant;
  readonly store: TellingStore;
  readonly ladder: Ladder;
  readonly replica: Replica | undefined;
  readonly issuers: readonly Issuer[];
}

export function statusFacts({ startedAt, store, ladder, replica, issuers, ...facts }: StatusSources): StatusFacts {
  const now = systemClock.now();
  const lastAnswerAt = ladder.lookUp.lastAnswerAt();
  return {
    ...facts,
    upForMs: ageMs(startedAt, now),
    store: {
      type: store.type,
      ...store.health(),
      lastAnswerAgeMs: lastAnswerAt === undefined ? undefined : ageMs(lastAnswerAt, now),
    },
    replica: replica === undefined ? undefined : replicaFacts(replica, now),
    breaker: ladder.breakerState(),
    issuers: issuers.map((issuer) => keysFacts(issuer, now)),
  };
}

export function keysFacts({ id, keys }: Issuer, now: Instant): StatusFacts["issuers"][number] {
  const { keyCount, lastReadWallMs } = keys.status();
  return { id, keyCount, keysAgeMs: lastReadWallMs === undefined ? undefined : now.wallMs - lastReadWallMs };
}

export function replicaFacts(replica: Replica, now: Instant): NonNullable<StatusFacts["replica"]> {
  const { position, ...facts } = replica.status();
  return { ...facts, lagMs: position === undefined ? undefined : ageMs(position, now) };
}
