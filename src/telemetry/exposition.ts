// Writes the metrics for a scrape: Prometheus text, or OpenMetrics with exemplars when asked. It runs off the hot path.

import { collectDefaultMetrics, Registry, type Metric, type OpenMetricsContentType } from "prom-client";
import { Distribution } from "./distribution.ts";
import { joint, type Sample, type Samples } from "./joint-samples.ts";
import type { Metrics } from "./metrics.ts";

export interface Exposition {
  readonly contentType: string;
  readonly body: string;
}

export interface Scrape {
  /** What this thread counts, by metric. */
  samples(): Promise<Samples>;
  /** `accept` is the request's header. Never rejects for want of a metric. */
  render(accept: string | undefined): Promise<Exposition>;
}

/** What prom-client's Registry asks of a metric when it writes one. */
interface Collected {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Sample[];
}

type Collect = () => Collected | Promise<Collected>;

/**
 * Two registries, one a format: prom-client cuts `_total` off a counter's name for good when it once writes it as
 * OpenMetrics, and a registry's format cannot change while it writes.
 *
 * `elsewhere` gives what other threads of this process count; a scrape fails where it does.
 */
export function createScrape(
  metrics: Metrics,
  elsewhere: () => Promise<readonly Samples[]> = () => Promise.resolve([]),
): Scrape {
  const collects = new Map<string, Collect>();
  let others: readonly Samples[] = [];
  const text = new Registry();
  const open = new Registry<OpenMetricsContentType>();
  open.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);

  function register(name: string, type: string, collect: Collect): void {
    collects.set(name, collect);
    const all = async (): Promise<Collected> => {
      const here = await collect();
      return others.length === 0 ? here : { ...here, values: joint(name, type, here.values, others) };
    };
    registerIn(text, name, type, all);
    registerIn(open, name, type, all);
  }

  for (const metric of nodeMetrics()) register(metric.name, metric.type, () => metric.get());
  for (const family of Object.values(metrics)) {
    const { name, help, type } = family;
    register(name, type, () => ({ name, help, type, values: samplesOf(family) }));
  }

  return {
    async samples() {
      const all = await Promise.all([...collects].map(async ([name, collect]) => [name, await collect()] as const));
      return Object.fromEntries(all.map(([name, { values }]) => [name, values]));
    },
    async render(accept) {
      others = await elsewhere();
      const registry = accept?.includes("application/openmetrics-text") === true ? open : text;
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

interface NodeMetric {
  readonly name: string;
  readonly type: string;
  get(): Promise<Collected>;
}

/** prom-client's metrics of the Node process, measured once for both formats. */
function nodeMetrics(): readonly NodeMetric[] {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  // Its types show less of a metric than there is.
  return registry.getMetricsAsArray() as unknown as readonly NodeMetric[];
}

/** A registry renames what it holds (see above), so each gets its own, which names what it collects. */
function registerIn(registry: Pick<Registry, "registerMetric">, name: string, type: string, collect: Collect): void {
  const metric = {
    name,
    type,
    async get(): Promise<Collected> {
      return { ...(await collect()), name: metric.name };
    },
  };
  // Its types ask for one of its own classes; it writes whatever has a name, a type and get().
  registry.registerMetric(metric as unknown as Metric);
}

function samplesOf(family: Metrics[keyof Metrics]): readonly Sample[] {
  return family.series().flatMap(({ labels, cell }) => {
    return cell instanceof Distribution
      ? samplesOfDistribution(family.name, labels, cell)
      : [{ labels, value: cell.value }];
  });
}

function samplesOfDistribution(name: string, labels: Sample["labels"], distribution: Distribution): readonly Sample[] {
  const buckets = distribution.buckets();
  return [
    ...buckets.map(({ upperBound, cumulativeCount, exemplar }) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: upperBound === Infinity ? "+Inf" : upperBound },
      value: cumulativeCount,
      ...(exemplar && {
        exemplar: { labelSet: { trace_id: exemplar.traceId }, value: exemplar.value, timestamp: exemplar.atS },
      }),
    })),
    { metricName: `${name}_sum`, labels, value: distribution.sum },
    { metricName: `${name}_count`, labels, value: buckets.at(-1)?.cumulativeCount ?? 0 },
  ];
}
