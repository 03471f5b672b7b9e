// Keeps what is known of a run that broke a promise: its history, and what every process wrote.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunReport } from "./run.ts";
import type { Setting } from "./setting.ts";

/** Where it is. */
export function keep(seed: number, { world, fleet }: Setting, { plan, violations, history }: RunReport): string {
  const folder = join(".cache/chaos", `${world.name}-${seed}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "history.json"), JSON.stringify({ plan, violations, ...history }, undefined, 1));
  for (const member of [...fleet.sidecars, ...fleet.planes])
    writeFileSync(join(folder, `${member.name}.log`), member.outputs().join("\n--- started anew ---\n"));
  writeFileSync(join(folder, "envoy.log"), fleet.envoy.process.output());
  return folder;
}
