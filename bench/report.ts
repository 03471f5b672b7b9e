// One table from a run's outcome, in Markdown: ratios first, absolutes second, then what the numbers were taken on.
import { aimsOf } from "./aims.ts";
import type { BurstOutcome } from "./bursts.ts";
import type { LoadResult } from "./load/job.ts";
import type { Machine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import type { RevocationOutcome } from "./revocations.ts";
import { type Row, type Spread, spreadOf } from "./summary.ts";
import { TITLE } from "./targets/target.ts";

export interface Outcome {
  readonly at: string;
  readonly plan: Plan;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly Row[];
  readonly revocations: RevocationOutcome | undefined;
  readonly bursts: readonly BurstOutcome[];
  /** Of the handler without a transport, a scenario a line: CPU and bytes allocated a call. */
  readonly handler: string | undefined;
  /** From a POST to the last sidecar of a fleet refusing, and to the receipt, by how the fleet is fed. */
  readonly fleet: readonly string[];
  /** The loader against a server that does nothing. */
  readonly loader: LoadResult | undefined;
  /** What was not measured, and why. */
  readonly skipped: readonly string[];
}

const COLUMNS = [
  "server, scenario",
  "ours ÷ this: calls/s",
  "ours ÷ this: CPU/call",
  "p99 ÷ Envoy alone",
  "calls/s (lowest–highest)",
  "CPU µs/call",
  "p50 / p99 / p99.9 ms",
  "CPU µs/call, server + Envoy",
  "RSS MiB",
  "n",
];

export function formatReport(outcome: Outcome): string {
  const { plan, machine, versions } = outcome;
  const lines = [
    `| ${COLUMNS.join(" | ")} |`,
    `|---|${"---:|".repeat(COLUMNS.length - 1)}`,
    ...outcome.rows.map(rowLine),
    "",
    ...aimLines(outcome),
    "",
    `calls/s and CPU: 1 connection × 100 streams, closed loop, straight to the server. Latency and the CPU beside it: ` +
      `${plan.ratePerSecond}/s through Envoy, Poisson arrivals, from the instant a call was due. Medians of n rounds, straight + through Envoy.`,
    ...footnotes(outcome.rows),
    ...loaderLines(outcome.loader),
    ...revocationLines(outcome.revocations),
    ...burstLines(outcome.bursts),
    ...handlerLines(outcome.handler),
    ...outcome.fleet.flatMap((table) => ["```", table.trimEnd(), "```"]),
    ...outcome.skipped.map((line) => `Not measured: ${line}`),
    `Machine: ${machine.cpu}, ${machine.coreCount} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}` +
      `${machine.pinned ? "; the server alone on one core, all else on another" : "; nothing pinned"}.`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
    `${outcome.at}, ${plan.name} form.`,
  ];
  return `${lines.join("\n")}\n`;
}

function rowLine(row: Row): string {
  const { ratios, max, envoy } = row;
  const title = row.scenario === "envoy" ? row.target : `${row.target}, ${TITLE[row.scenario]}`;
  const mark = row.isDisturbed ? " *" : "";
  const cells = [
    `${title}${mark}`,
    times(ratios.oursToThisPerSecond),
    times(ratios.oursToThisCpu),
    times(ratios.p99ToEnvoyAlone),
    max === undefined
      ? "–"
      : `${count(max.perSecond.median)} (${count(max.perSecond.lowest)}–${count(max.perSecond.highest)})`,
    max === undefined ? "–" : max.cpuUs.median.toFixed(1),
    envoy === undefined ? "–" : [envoy.p50Ms, envoy.p99Ms, envoy.p999Ms].map(milliseconds).join(" / "),
    envoy === undefined
      ? "–"
      : [envoy.serverCpuUs, envoy.envoyCpuUs].map((cpu) => cpu?.median.toFixed(0) ?? "–").join(" + "),
    row.rssMiB?.toFixed(0) ?? "–",
    [max === undefined ? undefined : row.sampleCount, envoy?.sampleCount].filter((n) => n !== undefined).join(" + "),
  ];
  return `| ${cells.join(" | ")} |`;
}

function aimLines({ rows, bursts }: Outcome): string[] {
  const lines = aimsOf(rows, bursts).map(({ measure, aim, measured, isMet }) => {
    const verdict = isMet === undefined ? "–" : isMet ? "yes" : "**no**";
    return `| ${measure} | ${aim} | ${measured ?? "not measured"} | ${verdict} |`;
  });
  return ["| measure | aim (moonshot) | measured | met? |", "|---|---|---|---|", ...lines];
}

function burstLines(bursts: readonly BurstOutcome[]): string[] {
  return bursts.map(({ alg, size, p99Ms, failedCount }) => {
    const beside = alg === undefined ? "by themselves" : `beside ${size} new ${alg.toUpperCase()} tokens every 100 ms`;
    const range = `${p99Ms.lowest.toFixed(2)}–${p99Ms.highest.toFixed(2)}`;
    const failed = failedCount === 0 ? "" : `; ! ${failedCount} of the new ones were not allowed`;
    return `Known tokens through Envoy ${beside}: p99 ${p99Ms.median.toFixed(2)} ms (${range})${failed}`;
  });
}

function handlerLines(handler: string | undefined): string[] {
  return handler === undefined
    ? []
    : ["The handler by itself, CPU and bytes allocated a call:", "```", handler.trimEnd(), "```"];
}

function footnotes(rows: readonly Row[]): string[] {
  const failed = rows.filter(({ failedCount }) => failedCount > 0);
  return [
    ...(rows.some(({ isDisturbed }) => isDisturbed) ? ["* only samples that other processes disturbed"] : []),
    ...failed.map(
      ({ target, scenario, failedCount }) => `! ${target}, ${scenario}: ${failedCount} answers wrong or missing`,
    ),
  ];
}

function loaderLines(loader: LoadResult | undefined): string[] {
  if (loader === undefined) return [];
  const cpuUs = loader.cpuUsPerCall["load"] ?? Number.NaN;
  return [
    `Loader: ${count(loader.perSecond)} calls/s against a server that does nothing, ${cpuUs.toFixed(1)} µs of its own per call.`,
  ];
}

function revocationLines(outcome: RevocationOutcome | undefined): string[] {
  if (outcome === undefined) return [];
  const timings = outcome.timings.map(({ tier, way, toRefusalMs, lateAllowCount }) => {
    const { median, highest } = spreadOf(toRefusalMs) as Spread;
    return (
      `Revoke → refuse, ${way}, tier ${tier}: median ${median.toFixed(1)} ms, at most ${highest.toFixed(1)} ms ` +
      `(n ${toRefusalMs.length}; allowed too late: ${lateAllowCount})`
    );
  });
  return [...timings, ...memoryLines(outcome)];
}

function memoryLines({ memory }: RevocationOutcome): string[] {
  if (memory === undefined) return [];
  const { revocationCount, storeBytes, bareBytes, sidecarEmpty, sidecarFull, replicaLoads } = memory;
  const rss = [sidecarEmpty, sidecarFull].map(({ rssMiB }) => (rssMiB["server"] ?? Number.NaN).toFixed(0));
  const speed = [sidecarEmpty, sidecarFull].map(({ perSecond }) => count(perSecond));
  return [
    `${count(revocationCount)} revocations: ${((storeBytes * revocationCount) / 2 ** 20).toFixed(0)} MiB in Redis as the API ` +
      `writes them (${storeBytes.toFixed(0)} bytes each; ${bareBytes.toFixed(0)} by a bare SET … EX); the sidecar, its ` +
      `replica on, ${rss.join(" → ")} MiB and ${speed.join(" → ")} calls/s in tier critical without → with them.`,
    ...replicaLoads.map(
      ({ entryCount, loadMs, bufferMiB, longestPauseMs, longestWorkMs }) =>
        `A replica of ${count(entryCount)}: loaded in ${(loadMs / 1000).toFixed(1)} s, ${bufferMiB.toFixed(1)} MiB of buffers, ` +
        `longest turn meanwhile ${longestWorkMs.toFixed(1)} ms of CPU, ${longestPauseMs.toFixed(1)} ms with what else ran`,
    ),
  ];
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? "–" : `${ratio.toFixed(2)} ×`;
}

function milliseconds(spread: Spread): string {
  return spread.median < 10 ? spread.median.toFixed(2) : spread.median.toFixed(1);
}

function count(value: number): string {
  return Math.round(value).toLocaleString("en");
}
