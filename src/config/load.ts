// Turns the text of a configuration file into the effective configuration, or into all of its problems together.

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { err, ok, type Result } from "../core/result.ts";
import { checkDashboard } from "./checks/dashboard.ts";
import { checkIdentity } from "./checks/identity.ts";
import { checkIngress } from "./checks/ingress.ts";
import { checkIssuers } from "./checks/issuers.ts";
import { checkKafka } from "./checks/kafka.ts";
import { checkLaterParts } from "./checks/later-parts.ts";
import { checkListen } from "./checks/listen.ts";
import { Look } from "./checks/look.ts";
import { checkRouting } from "./checks/routing.ts";
import { checkRecord } from "./checks/record.ts";
import { callTokenIn, checkReport } from "./checks/report.ts";
import { checkSenders } from "./checks/senders.ts";
import { checkStore } from "./checks/store.ts";
import { checkWorkers } from "./checks/workers.ts";
import { checkTls } from "./checks/tls.ts";
import { compileConfig } from "./compile.ts";
import type { Config, StoreConfig } from "./config.ts";
import { STORE } from "./defaults.ts";
import { problemsOf } from "./issues.ts";
import { formatProblem, type ConfigProblem } from "./problem.ts";
import { NO_READINGS, type Readings } from "./readings.ts";
import { FILE } from "./schema.ts";
import { readSecretSiblings } from "./secret-siblings.ts";
import { readTree } from "./tree.ts";
import type { WrittenFile } from "./written.ts";

export interface LoadedConfig {
  readonly config: Config;
  /** What is accepted and will not do what it says. */
  readonly warnings: readonly ConfigProblem[];
}

export interface LoadOptions {
  /** Meant where the file names neither a type nor a URL of the store; else relay with that feed, and redis without. */
  readonly unnamedStore?: StoreConfig["type"] | undefined;
  /** Of the rooms that the configuration is for. */
  readonly readings?: Readings;
  /** Of the machine that the file is for: this one, unless a test says otherwise. */
  readonly coreCount?: number;
}

/**
 * `file` names the text in problems, and its directory is where relative paths begin. Problems come in the order of
 * the file. Reads the `…File:` siblings, looks whether files of keys are there, and nothing else; a syntax error hides the problems behind it.
 */
export function loadConfig(
  file: string,
  text: string,
  env: Readonly<Record<string, string | undefined>>,
  { unnamedStore, readings = NO_READINGS, coreCount = availableParallelism() }: LoadOptions = {},
): Result<LoadedConfig, readonly ConfigProblem[]> {
  const read = readTree(file, text, env);
  if (!read.ok) return read;
  const tree = read.value;
  const parsed = FILE.safeParse(tree.root);
  const look = new Look(tree, readings, callTokenIn(env));
  const directory = dirname(resolve(file));
  for (const check of [
    checkListen,
    checkIssuers,
    checkStore,
    checkRouting,
    checkIdentity,
    checkRecord,
    checkReport,
    checkLaterParts,
    checkIngress,
    checkSenders,
    checkDashboard,
  ])
    check(look);
  checkWorkers(look, coreCount);
  checkTls(look, directory);
  checkKafka(look, directory);
  const secrets = readSecretSiblings(look, directory);
  warnOfAbsentKeys(look, directory);
  const issues = parsed.success ? [] : problemsOf(parsed.error.issues, FILE, tree);
  const problems = distinct([...tree.problems, ...issues, ...look.problems]).toSorted(byPlace);
  if (problems.length > 0 || !parsed.success) return err(problems);
  const store = { ...parsed.data.store, type: storeType(look, parsed.data, unnamedStore) };
  return ok({
    config: compileConfig(resolve(file), directory, { ...parsed.data, store }, secrets),
    warnings: look.warnings.toSorted(byPlace),
  });
}

/** Who is told by a control plane has no connection to a store, unless the file names one. */
function storeType(
  look: Look,
  { store, feed }: WrittenFile,
  unnamed: StoreConfig["type"] | undefined,
): StoreConfig["type"] {
  if ((["type", "url", "urlFile"] as const).some((key) => look.has("store", key))) return store.type;
  return unnamed ?? (feed.type === "relay" ? "relay" : STORE.type);
}

/** A warning only: the file may come later, and is then found by itself. */
function warnOfAbsentKeys(look: Look, directory: string): void {
  for (const path of [...keyFiles(look, ["issuers"]), ...keyFiles(look, ["ingress", "ssf"])]) {
    const file = look.text(...path);
    if (file === undefined || file === "" || existsSync(resolve(directory, file))) continue;
    look.warn(path, "the file does not exist", "a file that holds the key set; without it no token is verified");
  }
}

function keyFiles(look: Look, list: readonly PropertyKey[]): readonly PropertyKey[][] {
  return [...look.list(...list).keys()].map((index) => list.concat(index, "jwks", "file"));
}

/** A value may break several rules of the schema that are one to people. */
function distinct(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

function byPlace(a: ConfigProblem, b: ConfigProblem): number {
  return a.line - b.line || a.column - b.column;
}
