// Reloads the configuration on SIGHUP and when its file changes. A bad file is refused and the old one stays.

import { readFileSync, unwatchFile, watchFile } from "node:fs";
import type { Config } from "../config/config.ts";
import { loadConfig } from "../config/load.ts";
import { formatProblem, type ConfigProblem } from "../config/problem.ts";
import { readConfigFile } from "../config/read-file.ts";
import type { Log } from "../core/log.ts";
import type { Observer } from "../core/observer.ts";
import type { CommandIo } from "./io.ts";

/** Polled by name, for a mounted ConfigMap changes by a symbolic link that no watch on the file would see. */
const LOOK_EVERY_MS = 1_000;

/** What is built once at the start: a change of it is told, and waits for a restart. */
const FIXED = [
  "listen",
  "store",
  "breaker",
  "drain",
  "telemetry",
  "feed",
  "control",
] as const satisfies readonly (keyof Config)[];

export interface ReloadOptions {
  readonly config: Config;
  readonly io: CommandIo;
  readonly log: Log;
  readonly observer: Pick<Observer, "configReloaded">;
  /** Puts a good configuration in force. */
  readonly replace: (config: Config) => Promise<void>;
}

/** Begins to watch; the function returned ends it. */
export function watchConfig(options: ReloadOptions): () => void {
  const { config, io, log, observer, replace } = options;
  const { file } = config;
  let inForce = config;
  let lastText = rawText(file);
  let queue = Promise.resolve();

  async function reload(): Promise<void> {
    lastText = rawText(file);
    const text = readConfigFile(file);
    const loaded = text.ok ? loadConfig(file, text.value, io.env, config.store.type) : text;
    if (!loaded.ok) return refuse(loaded.error);
    const next = loaded.value.config;
    const waiting = FIXED.filter((part) => JSON.stringify(next[part]) !== JSON.stringify(inForce[part]));
    // Never half of a fixed part: the store's old connection under its new key prefix would find no marker at all.
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

  const onStat = (): void => {
    if (rawText(file) !== lastText) enqueue();
  };
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, onStat);
  io.signals.onReload(enqueue);
  return () => unwatchFile(file, onStat);
}

/** For telling a change from a touch; undefined where it cannot be read, which the reload then reports. */
function rawText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
