// Judges readings of two trees: how the new one compares with the old, how sure that is, and whether it lost. What cannot be
// told apart from noise is never a pass. Measures nothing.
import { MEASURES, type Measure, type Reading } from "./measures.ts";

/** A loss beyond this fails. */
export const MAX_LOSS_RATIO = 1.1;

/** What one team of processes read. `base` and `twin` are the same tree. */
export interface TeamReading {
  readonly base: Reading;
  readonly twin: Reading;
  readonly head: Reading;
}

export interface Comparison {
  readonly measure: Measure;
  /** Head ÷ base: above 1 it costs more. */
  readonly ratio: number;
  /** The ratio lies within, with a confidence of 95 % on either side. */
  readonly low: number;
  readonly high: number;
  /** The same between two runs of the base: 1 but for noise. */
  readonly noise: { readonly ratio: number; readonly low: number; readonly high: number };
  readonly base: number;
  readonly head: number;
  readonly verdict: "kept" | "lost" | "unclear";
}

/** Student's t at 95 % (one side) for 1, 2, 3 … degrees of freedom; for more than listed the last is on the safe side. */
const T_95 = [6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81, 1.8, 1.78, 1.77, 1.76, 1.75];

/** At least two teams. */
export function compare(teams: readonly TeamReading[]): readonly Comparison[] {
  return MEASURES.map((measure) => compareOne(measure, teams));
}

function compareOne(measure: Measure, teams: readonly TeamReading[]): Comparison {
  const of = (side: keyof TeamReading): readonly number[] => teams.map((team) => valueOf(team[side], measure));
  const [base, twin, head] = [of("base"), of("twin"), of("head")];
  // Against both runs of the base: what one of them had of good or bad luck weighs half.
  const ratio = interval(head.map((value, i) => Math.log(value / Math.sqrt(at(base, i) * at(twin, i)))));
  const noise = interval(twin.map((value, i) => Math.log(value / at(base, i))));
  return { measure, ...ratio, noise, base: mean([...base, ...twin]), head: mean(head), verdict: judge(ratio, noise) };
}

interface Interval {
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

function judge(ratio: Interval, noise: Interval): Comparison["verdict"] {
  // Two runs of one tree that surely differ by more than what is looked for: the instrument is not to be believed.
  if (noise.low > MAX_LOSS_RATIO || noise.high < 1 / MAX_LOSS_RATIO) return "unclear";
  if (ratio.low > MAX_LOSS_RATIO) return "lost";
  return ratio.high <= MAX_LOSS_RATIO ? "kept" : "unclear";
}

function interval(logRatios: readonly number[]): Interval {
  const middle = mean(logRatios);
  const variance = logRatios.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (logRatios.length - 1);
  const t = T_95[Math.min(logRatios.length - 1, T_95.length) - 1] ?? Infinity;
  const reach = t * Math.sqrt(variance / logRatios.length);
  return { ratio: Math.exp(middle), low: Math.exp(middle - reach), high: Math.exp(middle + reach) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function at(values: readonly number[], index: number): number {
  return values[index] as number;
}

function valueOf(reading: Reading, measure: Measure): number {
  const value = reading[measure];
  if (value === undefined || !(value > 0)) throw new Error(`${measure} was not read`);
  return value;
}
