// The history of what the code costs: read from bench/history.jsonl, drawn as a chart. Each entry compares two commits on
// whatever machine it ran, so only ratios are chained; it measures nothing.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MEASURES, type Measure } from "./measures.ts";

export const HISTORY_FILE: string = fileURLToPath(new URL("../history.jsonl", import.meta.url));
export const CHART_FILE: string = fileURLToPath(new URL("../../docs/images/bench-history.svg", import.meta.url));

export interface HistoryEntry {
  /** Day. */
  readonly at: string;
  /** Short commits. */
  readonly head: string;
  readonly base: string;
  readonly node: string;
  readonly cpu: string;
  /** µs or bytes of base and head, head ÷ base with its bounds, and base ÷ base: the noise. */
  readonly measures: Readonly<
    Record<
      string,
      {
        readonly ratio: number;
        readonly low: number;
        readonly high: number;
        readonly noise: number;
        readonly base: number;
        readonly head: number;
      }
    >
  >;
}

/** In the order in which they were made. */
export function readHistory(): readonly HistoryEntry[] {
  if (!existsSync(HISTORY_FILE)) return [];
  const lines = readFileSync(HISTORY_FILE, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as HistoryEntry);
}

const WIDTH = 900;
const HEIGHT = 420;
const LEFT = 60;
const RIGHT = 190;
const TOP = 46;
const BOTTOM = 60;
const COLOURS = ["#0b6e99", "#5aa9c9", "#b5541b", "#e0a070", "#4b7f3a", "#8a4fae", "#777777"];

/** What each commit costs, the first of the history being 1. An SVG, the same for the same history. */
export function drawHistory(history: readonly HistoryEntry[]): string {
  const commits = [...new Set(history.flatMap(({ base, head }) => [base, head]))];
  const lines = MEASURES.map((measure) => costsOf(measure, history));
  const all = lines.flatMap((costs) => [...costs.values()]);
  const top = Math.ceil(Math.max(1.2, ...all) * 5) / 5;
  const x = (index: number): number => LEFT + (index * (WIDTH - LEFT - RIGHT)) / Math.max(1, commits.length - 1);
  const y = (cost: number): number => HEIGHT - BOTTOM - (cost * (HEIGHT - TOP - BOTTOM)) / top;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 22, "What a part costs, the first commit shown being 1 (less is better)", 'font-size="14"'),
    ...grid(top, y),
    ...commits.map((commit, index) => text(x(index), HEIGHT - BOTTOM + 20, commit, 'text-anchor="middle"')),
    ...lines.map((costs, line) => drawn(costs, commits, COLOURS[line] ?? "#000000", x, y)),
    ...labels(lines, top, y),
    "</svg>",
    "",
  ].join("\n");
}

/** By commit. Of a commit that nobody has compared before, the cost is 1. */
function costsOf(measure: Measure, history: readonly HistoryEntry[]): ReadonlyMap<string, number> {
  const costs = new Map<string, number>();
  for (const { base, head, measures } of history) {
    const before = costs.get(base) ?? 1;
    costs.set(base, before);
    const ratio = measures[measure]?.ratio;
    if (ratio !== undefined) costs.set(head, before * ratio);
  }
  return costs;
}

function grid(top: number, y: (cost: number) => number): readonly string[] {
  const steps = Array.from({ length: Math.round(top / 0.2) + 1 }, (_, index) => index * 0.2);
  return steps.flatMap((cost) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(cost).toFixed(1)}" y2="${y(cost).toFixed(1)}" stroke="${cost === 1 ? "#999999" : "#e4e4e4"}"/>`,
    text(LEFT - 8, y(cost) + 4, cost.toFixed(1), 'text-anchor="end"'),
  ]);
}

function drawn(
  costs: ReadonlyMap<string, number>,
  commits: readonly string[],
  colour: string,
  x: (index: number) => number,
  y: (cost: number) => number,
): string {
  const points = commits.flatMap((commit, index) => {
    const cost = costs.get(commit);
    return cost === undefined ? [] : [`${x(index).toFixed(1)},${y(cost).toFixed(1)}`];
  });
  return `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

const LABEL_HEIGHT = 17;

/** Beside the ends of the lines, in their order, none over another. */
function labels(
  lines: readonly ReadonlyMap<string, number>[],
  top: number,
  y: (cost: number) => number,
): readonly string[] {
  const ends = lines
    .map((costs, line) => ({ line, cost: [...costs.values()].at(-1) ?? 1 }))
    .toSorted((a, b) => b.cost - a.cost);
  let above = y(top) - LABEL_HEIGHT;
  return ends.map(({ line, cost }) => {
    above = Math.max(above + LABEL_HEIGHT, y(cost) + 4);
    const label = `${MEASURES[line] ?? ""}  ${cost.toFixed(2)}`;
    return text(WIDTH - RIGHT + 12, above, label, `fill="${COLOURS[line] ?? "#000000"}"`);
  });
}

function text(x: number, y: number, content: string, more: string): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content}</text>`;
}
