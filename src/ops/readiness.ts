// Whether this process should get traffic. Pure rules and a watcher that tells of changes; it never
// refuses a Check: those are answered even when not ready.

import { ageMs, type Clock, type Instant } from "../core/clock.ts";

type ComponentState = "ready" | "degraded" | "not_ready";

interface Component {
  readonly state: ComponentState;
  /** One line for people. Never a credential. */
  readonly detail?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  /**
   * By name: `keys:<issuer>` for each issuer, `store`, `replica`, `kafka` and `workers` where there is one, `mode` where it
   * only observes, `draining`.
   */
  readonly components: Readonly<Record<string, Component>>;
}

/** What readiness is judged on. */
export interface ReadinessFacts {
  readonly store: {
    /** A complete look-up was answered at least once since the start. */
    readonly answeredOnce: boolean;
    readonly reachable: boolean;
    /** Why it must not be trusted although it answers (an evicting Redis); undefined: nothing known. */
    readonly unfit: string | undefined;
  };
  /** undefined: there is none. `lagMs` undefined: it never proved itself current yet; `why` it doesn't know of now. */
  readonly replica: { readonly lagMs: number | undefined; readonly why: string | undefined } | undefined;
  readonly issuers: readonly { readonly id: string; readonly hasKeys: boolean }[];
  /** Left out: there is none. `why` it does not get on; undefined: it does. */
  readonly kafka?: { readonly why: string | undefined } | undefined;
  /** Left out: one thread does everything. Otherwise so many have told how they are, of all. */
  readonly workers?: { readonly workingCount: number; readonly count: number } | undefined;
  /** It refuses nothing. */
  readonly isObserving: boolean;
}

/** For so long all issuers are waited for; afterwards one with keys will do. */
export const ALL_ISSUERS_WITHIN_MS = 10_000;

export function judgeReadiness(facts: ReadinessFacts, draining: boolean, upForMs: number): ReadinessReport {
  const components: Record<string, Component> = {};
  const someHasKeys = facts.issuers.some((issuer) => issuer.hasKeys);
  const missingKeys: ComponentState = someHasKeys && upForMs >= ALL_ISSUERS_WITHIN_MS ? "degraded" : "not_ready";
  for (const { id, hasKeys } of facts.issuers) {
    components[`keys:${id}`] = hasKeys ? { state: "ready" } : { state: missingKeys, detail: "no usable key yet" };
  }
  components["store"] = judgeStore(facts.store);
  if (facts.replica !== undefined) components["replica"] = judgeReplica(facts.replica);
  // Whoever revokes does not wait for it, so it is no reason to stay away.
  if (facts.kafka !== undefined) components["kafka"] = judgeKafka(facts.kafka.why);
  if (facts.workers !== undefined) components["workers"] = judgeWorkers(facts.workers);
  // Still ready: it answers. But nobody who looks shall take it for a guard.
  if (facts.isObserving) components["mode"] = { state: "degraded", detail: "observes: refuses nothing" };
  components["draining"] = draining ? { state: "not_ready", detail: "shutting down" } : { state: "ready" };
  return { ready: Object.values(components).every((component) => component.state !== "not_ready"), components };
}

function judgeStore(store: ReadinessFacts["store"]): Component {
  if (store.unfit !== undefined) return { state: "not_ready", detail: store.unfit };
  if (!store.answeredOnce) return { state: "not_ready", detail: "has not answered yet" };
  // Tiers decide what an outage means, not the balancer: every sidecar would leave at once.
  return store.reachable ? { state: "ready" } : { state: "degraded", detail: "does not answer" };
}

/** Far beyond the second between two proofs. */
const REPLICA_LAGS_FROM_MS = 5_000;

/** Never a reason to stay away: where it does not answer, the store is asked, and tiers decide about that. */
function judgeReplica({ lagMs, why }: NonNullable<ReadinessFacts["replica"]>): Component {
  const reason = why === undefined ? "" : `: ${why}`;
  if (lagMs === undefined) return { state: "degraded", detail: `not in step with the store yet${reason}` };
  if (lagMs >= REPLICA_LAGS_FROM_MS) return { state: "degraded", detail: `behind the store${reason}` };
  return why === undefined ? { state: "ready" } : { state: "degraded", detail: why };
}

/** Envoy calls them all: one that is away is calls that are not answered. */
function judgeWorkers({ workingCount, count }: NonNullable<ReadinessFacts["workers"]>): Component {
  return workingCount === count
    ? { state: "ready" }
    : { state: "not_ready", detail: `${workingCount} of ${count} are at work` };
}

function judgeKafka(why: string | undefined): Component {
  return why === undefined ? { state: "ready" } : { state: "degraded", detail: why };
}

export interface ReadinessOptions {
  /** Read for every report, so it must be cheap. */
  readonly facts: () => ReadinessFacts;
  readonly clock: Clock;
  /** Told once at the start and at every change after it; gRPC health says the same. */
  readonly onChange: (ready: boolean) => void;
}

export interface Readiness {
  report(): ReadinessReport;
  /** Not ready from now on. */
  drain(): void;
  /** Stops looking by itself; report() goes on. */
  stop(): void;
}

/** A change is noticed within this. */
const LOOK_EVERY_MS = 100;

/** Begins to watch; the start of the process is now. */
export function watchReadiness(options: ReadinessOptions): Readiness {
  const startedAt: Instant = options.clock.now();
  let draining = false;
  let told: boolean | undefined;

  /** Whoever asks hears what is so now, and so does gRPC health: the two never differ. */
  function look(): ReadinessReport {
    const report = judgeReadiness(options.facts(), draining, ageMs(startedAt, options.clock.now()));
    if (report.ready !== told) {
      told = report.ready;
      options.onChange(report.ready);
    }
    return report;
  }

  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();
  look();
  return {
    report: look,
    drain() {
      draining = true;
      look();
    },
    stop() {
      clearInterval(timer);
    },
  };
}
