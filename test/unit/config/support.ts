// Loads configurations written in a test. It asserts nothing by itself but that a good one is good.

import { READINGS } from "../../../src/commands/readings.ts";
import type { Config } from "../../../src/config/config.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { formatProblem } from "../../../src/config/problem.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Everything that is required, on four lines. */
export const MINIMAL = `issuers:
  - issuer: https://id.example.com
    jwks: { url: https://id.example.com/jwks }
    audiences: [orders-api]
`;

export function problemsIn(text: string, env: Env = {}): readonly string[] {
  const loaded = loadConfig("/etc/p.yaml", text, env, { readings: READINGS });
  return loaded.ok ? [] : loaded.error.map(formatProblem);
}

/** The places and what is wrong there, of MINIMAL with `more` below it. */
export function problemsWith(more: string, env: Env = {}): readonly string[] {
  return problemsIn(MINIMAL + more, env).map((line) => line.split("  ").slice(1, 3).join("  "));
}

/** On a machine of two cores. */
export function warningsWith(more: string): readonly string[] {
  const loaded = loadConfig("/etc/p.yaml", MINIMAL + more, {}, { readings: READINGS, coreCount: 2 });
  return loaded.ok ? loaded.value.warnings.map((warning) => `${warning.path}  ${warning.problem}`) : ["(not loaded)"];
}

export function configWith(more: string, env: Env = {}): Config {
  return configOf(MINIMAL + more, env);
}

export function configOf(text: string, env: Env = {}): Config {
  const loaded = loadConfig("/etc/p.yaml", text, env, { readings: READINGS });
  if (!loaded.ok) throw new Error(loaded.error.map(formatProblem).join("\n"));
  return loaded.value.config;
}
