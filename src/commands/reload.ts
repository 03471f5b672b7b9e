// Reloads the configuration on SIGHUP and when its file changes. A bad file is refused and the old one stays.

import { statSync, unwatchFile, watchFile } from "node:fs";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { CommandIo } from "./io.ts";
import { READINGS } from "./readings.ts";

/** Polled by name, for a mounted ConfigMap changes by a symbolic link that no watch on the file would see. */
const LOOK_EVERY_MS = 1_000;

/** What is built once at the start: a change of it is told, and waits for a restart. */
const FIXED = [
  "workerCount",
  "listen",
  "store",
  "dpop",
  "breaker",
  "drain",
  "feed",
  "control",
  "telemetry",
  "recordUrl",
] as const satisfies readonly (keyof Config)[];

export interface ReloadOptions {
  /** In force now. */
  readonly config: Config;
  /** What `config` was read from: the file may have changed since. */
  readonly text: string;
  readonly io: CommandIo;
  readonly log: Log;
  readonly observer: Pick<Observer, "configReloaded">;
  /** Puts a good configuration in force; what is built once is in it as it was built. */
  readonly replace: (config: Config) => Promise<void>;
}

/** Begins to watch; the function returned ends it. */
export function watchConfig(options: ReloadOptions): () => void {
  const { io, log, observer, replace } = options;
  const { file, store } = options.config;
  let inForce = options.config;
  let lastText: string | undefined = options.text;
  let queue = Promise.resolve();
  let isEnded = false;

  async function reload(): Promise<void> {
    if (isEnded) return;
    const text = readConfigFile(file);
    lastText = text.ok ? text.value : undefined;
    const loaded = text.ok
      ? loadConfig(file, text.value, io.env, { unnamedStore: store.type, readings: READINGS })
      : text;
    if (!loaded.ok) return refuse(loaded.error);
    const { config: next, warnings } = loaded.value;
    for (const warning of warnings) log.warn("config_warning", { file, problem: formatProblem(warning) });
    const waiting = FIXED.filter((part) => JSON.stringify(next[part]) !== JSON.stringify(inForce[part]));
    // A key prefix or a control audience of the new file, beside the store and the API of the old one, would look for
    // revocations where nobody writes them.
    const merged: Config = { ...next, ...Object.fromEntries(FIXED.map((part) => [part, inForce[part]])) };
    await replace(merged);
    inForce = merged;
    for (const part of waiting) log.warn("config_change_needs_restart", { part });
    observer.configReloaded("ok");
    log.info("config_reloaded", { file });
  }

  function refuse(problems: readonly ConfigProblem[]): void {
    observer.configReloaded("refused");
    log.error("config_refused", { file, problems: problems.map(formatProblem) });
  }

  /** One at a time, in the order asked for: the last one asked for is the one in force. */
  function enqueue(): void {
    queue = queue.then(reload).catch((error: unknown) => {
      observer.configReloaded("refused");
      log.error("config_reload_failed", { file, error: String(error) });
    });
  }

  function look(): void {
    if (currentText(file, lastText) !== lastText) enqueue();
  }

  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);
  io.signals.onReload(enqueue);
  look();
  return () => {
    isEnded = true;
    unwatchFile(file, look);
  };
}

/** For telling a change from a touch; undefined where it cannot be read, which the reload then reports. */
function currentText(file: string, lastText: string | undefined): string | undefined {
  try {
    if (!statSync(file).isFile()) return lastText; // a pipe gives its text once
  } catch {
    return undefined;
  }
  const text = readConfigFile(file);
  return text.ok ? text.value : undefined;
}
