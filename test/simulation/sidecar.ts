// One sidecar process of the simulated world: the real ladder, batcher, breaker and replica over the modelled store.

import type * as BatcherModule from "../../src/revocation/batcher.ts";
import type * as BreakerModule from "../../src/resilience/breaker.ts";
import type * as DecideModule from "../../src/core/decide.ts";
import type * as GuardModule from "../../src/revocation/guard.ts";
import type * as VouchingModule from "../../src/revocation/redis/vouching.ts";
import type * as ReplicaModule from "../../src/revocation/replica/replica.ts";
import type { Observer } from "../../src/core/observer.ts";
import type { Log } from "../../src/core/log.ts";
import type { Schedule } from "../../src/resilience/schedule.ts";
import type { Guard } from "../../src/revocation/guard.ts";
import { openReplicaSource } from "./feed-model.ts";
import { openJudgement, openWire, type BeginQuestion, type StoreModel, type Wire } from "./store-model.ts";
import type { Phase, World } from "./world.ts";

/** The code under test; a mutation test passes in a copy with one line changed. */
export interface Code {
  readonly createGuard: typeof GuardModule.createGuard;
  readonly createBatcher: typeof BatcherModule.createBatcher;
  readonly createBreaker: typeof BreakerModule.createBreaker;
  readonly decide: typeof DecideModule.decide;
  readonly createReplica: typeof ReplicaModule.createReplica;
  readonly Vouching: typeof VouchingModule.Vouching;
}

export interface Sidecar {
  readonly guard: Guard;
  readonly wire: Wire;
  readonly alive: boolean;
  /** The process is killed: nothing of it answers any more. */
  kill(): void;
}

/** Of one Check, as the configuration's default. */
export const CHECK_DEADLINE_MS = 150;

/** As the configuration's defaults, the window shorter so that many openings fit into a run. */
const BREAKER = { windowMs: 2_000, minCalls: 20, failureRatio: 0.5, openForMs: 1_000, probeForMs: 500 };

const silent = new Proxy({}, { get: () => () => undefined }) as Observer & Log;

/** Whether the process keeps a replica, and one that hears other writers. */
export type ReplicaMode = "none" | "feed only" | "direct writers too";

export function startSidecar(world: World, store: StoreModel, code: Code, mode: ReplicaMode): Sidecar {
  let alive = true;
  const inThisProcess = (delayMs: number, phase: Phase, what: () => void): void =>
    world.inside(delayMs, phase, () => {
      if (alive) what();
    });
  const schedule: Schedule = {
    immediate: (what) => inThisProcess(world.random.between(0.4, 0.6), "turn", what),
    every(periodMs, what) {
      let on = true;
      const again = (): void =>
        inThisProcess(periodMs, "timer", () => {
          if (!on) return;
          what();
          again();
        });
      again();
      return () => void (on = false);
    },
  };
  const judgement = (): BeginQuestion => openJudgement(world, store, new code.Vouching(() => undefined));
  const wire = openWire(world, store, judgement());
  const batcher = code.createBatcher({
    reader: wire,
    clock: world.clock,
    breaker: code.createBreaker({ ...BREAKER, onChange: () => undefined }),
    observer: silent,
    schedule,
    timeoutMs: 50,
    maxBatchKeys: 64,
    maxBatchesInFlight: 4,
    maxWaiting: 1_000,
  });
  const replica =
    mode === "none"
      ? undefined
      : code.createReplica({
          source: openReplicaSource(
            world,
            store,
            (delayMs, what) => inThisProcess(delayMs, "socket", what),
            judgement(),
          ),
          clock: world.clock,
          schedule,
          log: silent,
          observer: silent,
          random: () => world.random.unit(),
          scanEveryMs: 3_000,
          directWriters: mode === "direct writers too",
        });
  replica?.start();
  const guard = code.createGuard({ lookUp: batcher, clock: world.clock, observer: silent, replica });
  return {
    guard,
    wire,
    get alive() {
      return alive;
    },
    kill() {
      alive = false;
    },
  };
}
