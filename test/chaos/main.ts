// `make chaos`: seeded runs in every world, one line each, and what happened in all of them. Exits 1 on any violation.

import { availableParallelism } from "node:os";
import { keep } from "./keep.ts";
import { run, type RunReport } from "./run.ts";
import { endWithUs, startSetting, type Setting } from "./setting.ts";
import type { WorldName } from "./worlds/world.ts";

const WORLDS: readonly WorldName[] = ["single", "sentinel", "cluster"];

/** After so many runs everything is started anew: what one leaves behind is no secret, and logs grow. */
const RUNS_PER_SETTING = 10;

const { SEEDS = "30", SECONDS = "6", FIRST = "1", WORLD = "" } = process.env;
const worlds = WORLDS.filter((name) => WORLD === "" || name === WORLD);
const lastingMs = Number(SECONDS) * 1_000;
const seeds = Array.from({ length: Number(SEEDS) }, (_, i) => Number(FIRST) + i);

/** Each seed plays in one world, in turn; `make chaos SEEDS=1 FIRST=7 WORLD=single` plays one again. */
const worldOf = (seed: number): WorldName => worlds[seed % worlds.length] ?? "single";

endWithUs();
const counts: Record<string, number> = {};
let violationCount = 0;

console.log(
  `seeds ${seeds[0]} to ${seeds.at(-1)}, ${SECONDS} s of faults each, in ${worlds.join(", ")}; ${availableParallelism()} CPUs`,
);
for (const name of worlds) {
  const own = seeds.filter((seed) => worldOf(seed) === name);
  for (let at = 0; at < own.length; at += RUNS_PER_SETTING) {
    const setting = await startSetting(name);
    try {
      for (const seed of own.slice(at, at + RUNS_PER_SETTING)) tell(seed, setting, await play(setting, seed));
    } finally {
      await setting.stop();
    }
  }
}
console.log(`\n${seeds.length} runs, ${violationCount} violations`);
for (const [what, count] of Object.entries(counts).toSorted(([a], [b]) => a.localeCompare(b)))
  console.log(`${String(count).padStart(8)}  ${what}`);
process.exitCode = violationCount === 0 ? 0 : 1;

async function play({ world, fleet }: Setting, seed: number): Promise<RunReport> {
  return run(world, fleet, { seed, lastingMs });
}

function tell(seed: number, setting: Setting, report: RunReport): void {
  const { world } = setting;
  const calls = Object.entries(report.counts).filter(([what]) => !what.startsWith("revocations"));
  const callCount = calls.reduce((sum, [, count]) => sum + count, 0);
  const acknowledged = report.counts["revocations acknowledged"] ?? 0;
  const sign = report.violations.length === 0 ? "✓" : "✗";
  console.log(`${sign} seed ${seed}, ${world.name}: ${callCount} calls, ${acknowledged} revocations; ${report.plan}`);
  for (const violation of report.violations) console.log(`    ${violation}`);
  for (const [what, count] of Object.entries(report.counts)) counts[what] = (counts[what] ?? 0) + count;
  if (report.violations.length > 0) console.log(`    all that is known of it: ${keep(seed, setting, report)}`);
  violationCount += report.violations.length;
}
