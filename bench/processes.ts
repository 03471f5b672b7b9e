// Starts the processes of a run, pinned to a core each where the machine has two, and ends every one of them by its pid,
// however the run ends. Their output goes to one log file each.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** "any": what is a whole landscape itself. */
export type Core = number | "any";

/** The server under test has the first core to itself; everything else shares the second. */
export const CORE = { server: 0, others: 1 } as const;

const TERMINATE_MS = 4000;

export interface Running {
  readonly pid: number;
  /** Terminates it, by force if it does not go; done when it is gone. */
  stop(): Promise<void>;
  hasEnded(): boolean;
  /** The end of what it wrote, to say why it did not start. */
  lastWords(): string;
}

export class Processes {
  readonly #children = new Set<ChildProcess>();
  readonly #folder: string;
  readonly #pins: boolean;

  /** Logs are written into `folder`. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#pins = availableParallelism() >= 2 && spawnSync("taskset", ["--version"]).status === 0;
    process.on("exit", () => this.#killAll());
  }

  /** False on a machine with one core or without taskset: then all share what there is. */
  get pins(): boolean {
    return this.#pins;
  }

  start(name: string, core: Core, command: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const logFile = join(this.#folder, `${name}.log`);
    const log = openSync(logFile, "w");
    const child = this.#spawn(core, command, env, ["ignore", log, log]);
    closeSync(log);
    const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
    return {
      pid: child.pid ?? 0,
      hasEnded,
      lastWords: () => readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-3).join("\n"),
      stop: async () => {
        if (hasEnded()) return;
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        await Promise.race([gone, sleep(TERMINATE_MS)]);
        if (!hasEnded()) child.kill("SIGKILL");
        await gone;
      },
    };
  }

  /** Runs a command to its end and gives its standard output; throws with its error output when it fails. */
  async run(core: Core, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const child = this.#spawn(core, command, env, ["ignore", "pipe", "pipe"]);
    let output = "";
    let errors = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
    await once(child, "close");
    if (child.exitCode !== 0) throw new Error(`${command.slice(0, 2).join(" ")} failed: ${errors.trimEnd()}`);
    return output;
  }

  async stopAll(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) child.kill("SIGTERM");
    const allGone = Promise.all(children.filter((child) => !isGone(child)).map((child) => once(child, "exit")));
    await Promise.race([allGone, sleep(TERMINATE_MS)]);
    this.#killAll();
  }

  #spawn(
    core: Core,
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    stdio: ("ignore" | "pipe" | number)[],
  ): ChildProcess {
    const [program = "", ...argv] =
      this.#pins && core !== "any" ? ["taskset", "-c", String(core), ...command] : command;
    const child = spawn(program, argv, { stdio, env: { ...process.env, ...env } });
    this.#children.add(child);
    child.on("exit", () => this.#children.delete(child));
    child.on("error", () => this.#children.delete(child));
    return child;
  }

  #killAll(): void {
    for (const child of this.#children) child.kill("SIGKILL");
  }
}

function isGone(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
