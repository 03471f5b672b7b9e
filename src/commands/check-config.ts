// `portcullis check-config`: prints what is wrong with a configuration, and starts nothing.

import { resolve } from "node:path";
import { loadConfig, type LoadedConfig } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import type { Result } from "../core/result.ts";
import { EXIT, type CommandIo } from "./io.ts";
import { READINGS } from "./readings.ts";

export interface CheckConfigFlags {
  readonly json?: boolean;
}

export function checkConfig(file: string, flags: CheckConfigFlags, io: CommandIo): number {
  const outcome = readAndLoad(file, io);
  const problems = outcome.ok ? [] : outcome.error;
  const warnings = outcome.ok ? outcome.value.warnings : [];
  if (flags.json === true) io.out(`${JSON.stringify({ ok: outcome.ok, problems, warnings })}\n`);
  else {
    for (const warning of warnings) io.err(`warning: ${formatProblem(warning)}\n`);
    for (const problem of problems) io.err(`${formatProblem(problem)}\n`);
    io.out(outcome.ok ? `${file}: good${summary(outcome.value)}\n` : "");
  }
  return outcome.ok ? EXIT.done : EXIT.usage;
}

/** Names files as they were written, whatever directory the process is in. */
function readAndLoad(file: string, io: CommandIo): Result<LoadedConfig, readonly ConfigProblem[]> {
  const path = resolve(io.cwd, file);
  const text = readConfigFile(path);
  const outcome = text.ok ? loadConfig(path, text.value, io.env, { readings: READINGS }) : text;
  if (outcome.ok) return { ok: true, value: { ...outcome.value, warnings: renamed(outcome.value.warnings, file) } };
  return { ok: false, error: renamed(outcome.error, file) };
}

function renamed(problems: readonly ConfigProblem[], file: string): readonly ConfigProblem[] {
  return problems.map((problem) => ({ ...problem, file }));
}

function summary({ config }: LoadedConfig): string {
  const { issuers, routes, tiers, store } = config;
  return ` (issuers: ${issuers.length}, routes: ${routes.length}, tiers: ${tiers.length}, store: ${store.type})`;
}
