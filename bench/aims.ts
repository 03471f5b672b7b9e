// What is aimed at, beside what was measured: ratios to the Go servers of the same run. It measures nothing.
import type { BurstOutcome } from "./bursts.ts";
import type { Row, Spread } from "./summary.ts";
import type { ScenarioKind } from "./targets/target.ts";

export interface Aim {
  readonly measure: string;
  /** In words, with the moonshot in brackets. */
  readonly aim: string;
  /** Undefined: not measured in this run. */
  readonly measured: string | undefined;
  readonly isMet: boolean | undefined;
}

type Found = (target: string, scenario: ScenarioKind) => Row | undefined;

/** Every aim, whether it was measured or not. */
export function aimsOf(rows: readonly Row[], bursts: readonly BurstOutcome[]): readonly Aim[] {
  const find: Found = (target, scenario) => rows.find((row) => row.target === target && row.scenario === scenario);
  const recent = find("portcullis", "recent");
  const ask = find("portcullis", "ask");
  const noop = find("go-noop", "floor");
  const goAsk = find("go-handwritten", "ask");
  const goRecent = find("go-handwritten", "recent");
  return [
    ratioAim(
      "checks/s on one core, warm and recent",
      { peer: "go-noop", sign: "≥", aim: 3, moonshot: 8 },
      perSecond(recent),
      perSecond(noop),
    ),
    ratioAim(
      "CPU per check in that run",
      { peer: "go-noop", sign: "≤", aim: 0.35, moonshot: 0.12 },
      cpu(recent),
      cpu(noop),
    ),
    ratioAim(
      "the same, asking Redis each call",
      { peer: "go-handwritten", sign: "≤", aim: 0.35, moonshot: 0.1 },
      cpu(ask),
      cpu(goAsk),
    ),
    ...(["cold-rs256", "cold-es256"] as const).map((kind) => {
      const [ours, theirs] = [find("portcullis", kind), find("go-handwritten", kind)];
      const name = kind === "cold-rs256" ? "cold RS256, checks/s" : "cold ES256, checks/s";
      return ratioAim(
        name,
        { peer: "go-handwritten", sign: "≥", aim: 1.3, moonshot: 2 },
        perSecond(ours),
        perSecond(theirs),
      );
    }),
    ...tails("asking Redis each call", ask, goAsk, noop),
    ...tails("recent answers", recent, goRecent, noop),
    ratioAim(
      "CPU per check through Envoy",
      { peer: "go-noop", sign: "≤", aim: 0.7, moonshot: 0.5 },
      cpuThroughEnvoy(recent),
      cpuThroughEnvoy(noop),
    ),
    memory("RSS under that load, recent answers", recent?.envoy?.rssMiB?.highest),
    memory("RSS under that load, asking Redis each call", ask?.envoy?.rssMiB?.highest),
    memory("RSS at the most it can do, recent answers", recent?.rssMiB),
    memory("RSS at the most it can do, asking Redis each call", ask?.rssMiB),
    ...burstAims(bursts),
  ];
}

function tails(what: string, ours: Row | undefined, theirs: Row | undefined, noop: Row | undefined): Aim[] {
  const [p99Ms, handwritten, nothing] = [ours, theirs, noop].map((row) => row?.envoy?.p99Ms);
  const name = `p99 through Envoy, ${what}`;
  return [
    spreadAim(name, { peer: "go-handwritten's", sign: "≤", aim: 1.25 }, p99Ms, handwritten),
    spreadAim(name, { peer: "go-noop's, the moonshot", sign: "≤", aim: 1 }, p99Ms, nothing),
  ];
}

function burstAims(bursts: readonly BurstOutcome[]): Aim[] {
  const alone = bursts.find(({ alg }) => alg === undefined);
  return (["rs256", "es256", "es384"] as const).map((alg) => {
    const beside = bursts.find((burst) => burst.alg === alg);
    const name = `p99 of known tokens beside bursts of ${beside?.size ?? "new"} ${alg.toUpperCase()} ones`;
    return spreadAim(name, { peer: "without them", sign: "≤", aim: 2 }, beside?.p99Ms, alone?.p99Ms);
  });
}

/** With both spreads, for a tail differs from round to round. */
function spreadAim(measure: string, bound: Bound, ours: Spread | undefined, theirs: Spread | undefined): Aim {
  const aim = ratioAim(measure, bound, ours?.median, theirs?.median);
  if (ours === undefined || theirs === undefined) return aim;
  const [our, their] = [ours, theirs].map(
    ({ median, lowest, highest }) => `${median.toFixed(2)} (${lowest.toFixed(2)}–${highest.toFixed(2)})`,
  );
  return { ...aim, measured: `${aim.measured}: ${our} ÷ ${their} ms` };
}

function memory(measure: string, measuredMiB: number | undefined): Aim {
  return {
    measure,
    aim: "≤ 150 MiB (90)",
    measured: measuredMiB === undefined ? undefined : `${measuredMiB.toFixed(0)} MiB`,
    isMet: measuredMiB === undefined ? undefined : measuredMiB <= 150,
  };
}

interface Bound {
  readonly peer: string;
  readonly sign: "≥" | "≤";
  readonly aim: number;
  readonly moonshot?: number;
}

/** `ours` ÷ `theirs`. */
function ratioAim(measure: string, bound: Bound, ours: number | undefined, theirs: number | undefined): Aim {
  const { peer, sign, aim, moonshot } = bound;
  const ratio = ours === undefined || theirs === undefined ? undefined : ours / theirs;
  return {
    measure,
    aim: `${sign} ${aim} × ${peer}${moonshot === undefined ? "" : ` (${moonshot})`}`,
    measured: ratio === undefined ? undefined : `${ratio.toFixed(2)} ×`,
    isMet: ratio === undefined ? undefined : sign === "≥" ? ratio >= aim : ratio <= aim,
  };
}

function perSecond(row: Row | undefined): number | undefined {
  return row?.max?.perSecond.median;
}

function cpu(row: Row | undefined): number | undefined {
  return row?.max?.cpuUs.median;
}

function cpuThroughEnvoy(row: Row | undefined): number | undefined {
  return row?.envoy?.serverCpuUs?.median;
}
