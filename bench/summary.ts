// Medians and spreads over the rounds, and the ratios between rows. It prints nothing.
import { isClean, type Mode } from "./measure.ts";
import { ENVOY_ALONE, type Sample } from "./rounds.ts";
import type { ScenarioKind } from "./targets/target.ts";

/** The median, and the lowest and highest sample it comes from. */
export interface Spread {
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
}

export interface Row {
  readonly target: string;
  readonly scenario: Sample["scenario"];
  /** Straight to the server, closed loop; undefined for what has no server of its own. */
  readonly max: { readonly perSecond: Spread; readonly cpuUs: Spread } | undefined;
  /** At the fixed rate through Envoy: latencies, CPU of the server and of Envoy per call. */
  readonly envoy:
    | {
        readonly p50Ms: Spread;
        readonly p99Ms: Spread;
        readonly p999Ms: Spread;
        readonly serverCpuUs: Spread | undefined;
        readonly envoyCpuUs: Spread;
        readonly rssMiB: Spread | undefined;
        readonly sampleCount: number;
      }
    | undefined;
  /** At the most that it can do. */
  readonly rssMiB: number | undefined;
  readonly sampleCount: number;
  /** Some value had only samples that other processes disturbed. */
  readonly isDisturbed: boolean;
  /** Answers that were wrong or missing, of all answers of all samples. */
  readonly failedCount: number;
  readonly failedRatio: number;
  readonly ratios: Ratios;
}

/** Undefined where there is nothing to compare. */
export interface Ratios {
  /** Our calls per second ÷ this row's, in the scenario that is alike. Above 1: we are faster. */
  readonly oursToThisPerSecond: number | undefined;
  /** Our CPU per call ÷ this row's. Below 1: we are cheaper. */
  readonly oursToThisCpu: number | undefined;
  /** This row's p99 ÷ that of Envoy alone. */
  readonly p99ToEnvoyAlone: number | undefined;
}

const OURS = "portcullis";

/** Which of our scenarios another server's is held against. */
const COUNTERPART: Readonly<Record<ScenarioKind, ScenarioKind>> = {
  recent: "recent",
  replica: "replica",
  ask: "ask",
  "cold-rs256": "cold-rs256",
  "cold-es256": "cold-es256",
  // These ask no store.
  "warm-unguarded": "recent",
  floor: "recent",
};

export function summarize(samples: readonly Sample[]): Row[] {
  const groups = Map.groupBy(samples, ({ target, scenario }) => `${target}|${scenario}`);
  const rows = [...groups.values()].map(bareRow);
  return rows.map((row) => Object.assign(row, { ratios: ratiosOf(row, rows) }));
}

type BareRow = Omit<Row, "ratios">;

function bareRow(samples: readonly Sample[]): BareRow {
  const [{ target, scenario }] = samples as [Sample];
  const max = usable(samples, "max");
  const envoy = usable(samples, "envoy");
  const results = samples.map(({ result }) => result);
  const failedCount = sum(results.flatMap(({ failures }) => Object.values(failures)));
  const perSecond = spread(max.samples, ({ result }) => result.perSecond);
  const cpuUs = spread(max.samples, cpuOf("server"));
  const latency = (name: "p50" | "p99" | "p999") => spread(envoy.samples, ({ result }) => result.latencyMs[name]);
  const [p50Ms, p99Ms, p999Ms] = [latency("p50"), latency("p99"), latency("p999")];
  const envoyCpuUs = spread(envoy.samples, cpuOf("envoy"));
  return {
    target,
    scenario,
    max: perSecond === undefined || cpuUs === undefined ? undefined : { perSecond, cpuUs },
    envoy:
      p50Ms === undefined || p99Ms === undefined || p999Ms === undefined || envoyCpuUs === undefined
        ? undefined
        : {
            p50Ms,
            p99Ms,
            p999Ms,
            serverCpuUs: spread(envoy.samples, cpuOf("server")),
            envoyCpuUs,
            rssMiB: spread(envoy.samples, ({ result }) => result.rssMiB["server"]),
            sampleCount: envoy.samples.length,
          },
    rssMiB: spread(max.samples, ({ result }) => result.rssMiB["server"])?.median,
    sampleCount: max.samples.length,
    isDisturbed: max.isDisturbed || envoy.isDisturbed,
    failedCount,
    failedRatio: failedCount / sum(results.map(({ endedCount }) => endedCount)),
  };
}

function cpuOf(name: string): (sample: Sample) => number | undefined {
  return ({ result }) => result.cpuUsPerCall[name];
}

/** The samples that nothing disturbed; all of them when there is none. */
function usable(
  samples: readonly Sample[],
  mode: Mode,
): { readonly samples: readonly Sample[]; readonly isDisturbed: boolean } {
  const ofMode = samples.filter((sample) => sample.mode === mode);
  const clean = ofMode.filter(({ result }) => isClean(result));
  return clean.length > 0
    ? { samples: clean, isDisturbed: false }
    : { samples: ofMode, isDisturbed: ofMode.length > 0 };
}

export function spreadOf(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  const [lowest, highest] = [sorted[0], sorted.at(-1)];
  if (lowest === undefined || highest === undefined) return undefined;
  const middle = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]] as [number, number];
  return { median: (middle[0] + middle[1]) / 2, lowest, highest };
}

function spread(samples: readonly Sample[], value: (sample: Sample) => number | undefined): Spread | undefined {
  return spreadOf(samples.map(value).filter((found) => found !== undefined));
}

function ratiosOf(row: BareRow, rows: readonly BareRow[]): Ratios {
  const alone = rows.find(({ target }) => target === ENVOY_ALONE)?.envoy?.p99Ms.median;
  const counterpart = row.scenario === "envoy" ? undefined : COUNTERPART[row.scenario];
  const ours =
    row.target === OURS ? undefined : rows.find(({ target, scenario }) => target === OURS && scenario === counterpart);
  return {
    oursToThisPerSecond: ratio(ours?.max?.perSecond.median, row.max?.perSecond.median),
    oursToThisCpu: ratio(ours?.max?.cpuUs.median, row.max?.cpuUs.median),
    p99ToEnvoyAlone: ratio(row.envoy?.p99Ms.median, alone),
  };
}

function ratio(over: number | undefined, under: number | undefined): number | undefined {
  return over === undefined || under === undefined || under === 0 ? undefined : over / under;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
