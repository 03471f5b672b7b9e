// What several threads of one process count, shown as one: counts and distributions are summed, and each gauge has its
// rule. Pure.

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
  readonly metricName?: string;
  readonly exemplar?: {
    readonly labelSet: Readonly<Record<string, string>>;
    readonly value: number;
    readonly timestamp: number;
  };
}

/** Of one thread, by metric. It can be posted to another. */
export type Samples = Readonly<Record<string, readonly Sample[]>>;

type Join = (a: number, b: number) => number;
const SUM: Join = (a, b) => a + b;

/** Gauges that those who answer Checks have, and the thread over them has not: the worst of all, or the sum. */
const OF_WORKERS: ReadonlyMap<string, Join> = new Map([
  ["portcullis_store_up", Math.min],
  ["portcullis_breaker_state", Math.max],
  ["portcullis_observing", Math.max],
  ["portcullis_issuer_clock_ahead_seconds", Math.max],
]);

/** Of Node: each thread has its own heap and its own event loop. */
const OF_EVERY_THREAD: readonly (readonly [prefix: string, join: Join])[] = [
  ["nodejs_eventloop_", Math.max],
  ["nodejs_heap_", SUM],
  ["nodejs_external_memory_", SUM],
  ["nodejs_active_", SUM],
];

/** `here`: of the thread that shows them; it has at least one other beside it. All other gauges are its own. */
export function joint(
  name: string,
  type: string,
  here: readonly Sample[],
  elsewhere: readonly Samples[],
): readonly Sample[] {
  const others = elsewhere.map((samples) => samples[name] ?? []);
  const ofWorkers = OF_WORKERS.get(name);
  if (ofWorkers !== undefined) return joined(others, ofWorkers);
  const join = OF_EVERY_THREAD.find(([prefix]) => name.startsWith(prefix))?.[1];
  if (join !== undefined) return joined([here, ...others], join);
  // Node counts what it uses of the machine once for all threads.
  return type === "gauge" || name.startsWith("process_") ? here : joined([here, ...others], SUM);
}

function joined(all: readonly (readonly Sample[])[], join: Join): readonly Sample[] {
  const bySeries = new Map<string, Sample>();
  for (const sample of all.flat()) {
    const series = JSON.stringify([sample.metricName, Object.entries(sample.labels).toSorted(byName)]);
    const known = bySeries.get(series);
    // Of two exemplars any will do.
    bySeries.set(
      series,
      known === undefined ? sample : { ...sample, ...known, value: join(known.value, sample.value) },
    );
  }
  return [...bySeries.values()];
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
