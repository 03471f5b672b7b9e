// Reads a command's configuration file and tells a person what is wrong with it. It runs nothing.

import { resolve } from "node:path";
import type { Config, StoreConfig } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import type { CommandIo } from "./io.ts";
import { READINGS } from "./readings.ts";

/**
 * The configuration of `path`, or undefined with all its problems written to standard error. `unnamedStore` as
 * loadConfig has it.
 */
export function readConfig(path: string, io: CommandIo, unnamedStore?: StoreConfig["type"]): Config | undefined {
  return readReloadable(path, io, unnamedStore)?.config;
}

/** Whether a control plane can run on it, which has to have a store; a person is told where it cannot. */
export function hasOwnStore({ store }: Config, io: CommandIo): boolean {
  if (store.type !== "relay") return true;
  io.err("portcullis: store.type relay is for sidecars (serve): a control plane has a store of its own\n");
  return false;
}

/** As readConfig, with the text it was read from, for telling whether the file has changed since. */
export function readReloadable(
  path: string,
  io: CommandIo,
  unnamedStore?: StoreConfig["type"],
): Reloadable | undefined {
  const file = resolve(io.cwd, path);
  const text = readConfigFile(file);
  if (!text.ok) return complain(text.error.map(formatProblem), io);
  const config = configOf(file, text.value, io, unnamedStore);
  return config === undefined ? undefined : { config, text: text.value };
}

export interface Reloadable {
  readonly config: Config;
  readonly text: string;
}

/** As readConfig, of a text that stands in no file; `file` names it and is where its relative paths begin. */
export function configOf(
  file: string,
  text: string,
  io: CommandIo,
  unnamedStore?: StoreConfig["type"],
): Config | undefined {
  const loaded = loadConfig(file, text, io.env, { unnamedStore, readings: READINGS });
  if (!loaded.ok) return complain(loaded.error.map(formatProblem), io);
  for (const warning of loaded.value.warnings) io.err(`warning: ${formatProblem(warning)}\n`);
  return loaded.value.config;
}

function complain(lines: readonly string[], io: CommandIo): undefined {
  for (const line of lines) io.err(`${line}\n`);
}
