// `make bench-check`: holds a change to what its base costs, in one interleaved run. Fails on a loss of more than 10 %, and
// where noise hides whether there is one. It decides by bench/check/compare.ts alone.
import { appendFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { compare, type Comparison, type TeamReading } from "./compare.ts";
import { drawHistory, HISTORY_FILE, readHistory, CHART_FILE, type HistoryEntry } from "./history.ts";
import { measureTeam, type TeamTimes } from "./team.ts";
import { NothingToCompare, openTrees, type Trees } from "./trees.ts";

const TIMES: TeamTimes = { warmUpCpuMs: 400, sliceCpuMs: 25, roundCount: 16 };
/** So many fresh processes of each tree at least: how one is compiled differs more than what it then reads. */
const MIN_TEAMS = 4;
const EXIT = { kept: 0, lost: 1, nothingToCompare: 2 } as const;

const { BASE, HEAD, TEAMS, RECORD } = process.env;
const MAX_TEAMS = Math.max(MIN_TEAMS, Number(TEAMS) || 12);

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof NothingToCompare)) throw error;
  process.stderr.write(`bench-check: ${error.message}\n`);
  return EXIT.nothingToCompare;
});

async function main(): Promise<number> {
  const project = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
  const trees = openTrees(project, HEAD || undefined, BASE || undefined);
  process.once("SIGINT", () => {
    remove(trees);
    process.exit(EXIT.nothingToCompare);
  });
  try {
    process.stdout.write(`${trees.head.name} against ${trees.base.name}\n`);
    const comparisons = await measureUntilClear(trees);
    process.stdout.write(tableOf(comparisons));
    if (RECORD === "1") record(trees, comparisons);
    return conclude(comparisons);
  } finally {
    remove(trees);
  }
}

function remove({ base, head }: Trees): void {
  base.remove();
  head.remove();
}

async function measureUntilClear(trees: Trees): Promise<readonly Comparison[]> {
  const teams: TeamReading[] = [];
  for (;;) {
    teams.push(await measureTeam(trees, TIMES));
    if (teams.length < MIN_TEAMS) continue;
    const comparisons = compare(teams);
    const unclear = comparisons.filter(({ verdict }) => verdict === "unclear").map(({ measure }) => measure);
    if (unclear.length === 0 || teams.length >= MAX_TEAMS) return comparisons;
    process.stdout.write(`after ${teams.length} teams not clear yet: ${unclear.join(", ")}\n`);
  }
}

function tableOf(comparisons: readonly Comparison[]): string {
  const lines = comparisons.map(({ measure, ratio, low, high, noise, base, head, verdict }) =>
    row([
      measure,
      amount(base, measure),
      amount(head, measure),
      `${ratio.toFixed(3)} (${low.toFixed(2)}–${high.toFixed(2)})`,
      `${noise.ratio.toFixed(3)} (${noise.low.toFixed(2)}–${noise.high.toFixed(2)})`,
      verdict,
    ]),
  );
  return `${[row(["", "base", "head", "head ÷ base", "base ÷ base", ""]), ...lines].join("\n")}\n`;
}

function row(cells: readonly string[]): string {
  return cells
    .map((cell, i) => cell.padEnd(i === 0 ? 17 : 20))
    .join("")
    .trimEnd();
}

function amount(value: number, measure: string): string {
  return measure.endsWith("bytes") ? `${value.toFixed(0)} B` : `${value.toFixed(value < 1 ? 3 : 2)} µs`;
}

function conclude(comparisons: readonly Comparison[]): number {
  const of = (verdict: Comparison["verdict"]): string =>
    comparisons
      .filter((comparison) => comparison.verdict === verdict)
      .map(({ measure, ratio }) => `${measure} ${ratio.toFixed(2)} ×`)
      .join(", ");
  if (of("lost") !== "") process.stdout.write(`lost more than 10 %: ${of("lost")}\n`);
  if (of("unclear") !== "") {
    process.stdout.write(
      `cannot tell, the machine is too busy: ${of("unclear")}. Run it again when it is quieter, or with TEAMS=${2 * MAX_TEAMS}\n`,
    );
  }
  return comparisons.every(({ verdict }) => verdict === "kept") ? EXIT.kept : EXIT.lost;
}

function record({ base, head }: Trees, comparisons: readonly Comparison[]): void {
  const entry: HistoryEntry = {
    at: new Date().toISOString().slice(0, 10),
    head: head.name,
    base: base.name,
    node: process.versions.node,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    measures: Object.fromEntries(
      comparisons.map(({ measure, ratio, low, high, noise, base: before, head: after }) => [
        measure,
        {
          ratio: round(ratio),
          low: round(low),
          high: round(high),
          noise: round(noise.ratio),
          base: round(before),
          head: round(after),
        },
      ]),
    ),
  };
  appendFileSync(HISTORY_FILE, `${JSON.stringify(entry)}\n`);
  writeFileSync(CHART_FILE, drawHistory(readHistory()));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
