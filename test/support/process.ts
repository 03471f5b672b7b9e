// A program run beside the tests or the demo: its output kept, ended by its own pid, never left behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { until } from "./wait.ts";

export interface RunningProcess {
  readonly pid: number;
  /** Everything it wrote so far, standard output and error as they came; since `forgetOutput`, where that was called. */
  output(): string;
  /** For whoever runs for long: what is kept is one string, which has its bounds. */
  forgetOutput(): void;
  /** Its exit code, or the signal that ended it; undefined while it runs. */
  ended(): number | NodeJS.Signals | undefined;
  signal(signal: NodeJS.Signals): void;
  /** Waits for the first line that matches; rejects with the output when the process ends first or `timeoutMs` passes. */
  line(pattern: RegExp, timeoutMs?: number): Promise<RegExpExecArray>;
  /** Resolves once it has ended. */
  end(): Promise<number | NodeJS.Signals>;
  /** Asks it to end (SIGTERM), after `graceMs` makes it (SIGKILL), and waits until it has. */
  stop(graceMs?: number): Promise<void>;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly stdin?: string;
}

/** Starts `command`. Whatever happens to this process, that one does not outlive it. */
export function startProcess(command: string, args: readonly string[], options: ProcessOptions = {}): RunningProcess {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
    // Its own group: a Ctrl-C at the terminal reaches us alone, and we end it in order.
    detached: true,
  });
  child.stdin.on("error", () => undefined); // it may end before it has read everything
  child.stdin.end(options.stdin ?? "");
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (chunk: string) => {
      output += chunk;
    });
  }
  let end: number | NodeJS.Signals | undefined;
  const closed = once(child, "close").then(
    ([code, signal]) => (end = (code as number | null) ?? (signal as NodeJS.Signals)),
    (error: unknown) => {
      output += `${command} could not be started: ${String(error)}\n`;
      return (end = 127);
    },
  );
  const kill = (signal: NodeJS.Signals): void => {
    if (end === undefined) child.kill(signal);
  };
  const killNow = (): void => kill("SIGKILL");
  process.once("exit", killNow);
  void closed.then(() => process.off("exit", killNow));

  return {
    pid: child.pid ?? -1,
    output: () => output,
    forgetOutput() {
      output = "";
    },
    ended: () => end,
    signal: kill,
    end: () => closed,
    async line(pattern, timeoutMs = 15_000) {
      const matchOrEnd = (): RegExpExecArray | "ended" | undefined =>
        pattern.exec(output) ?? (end === undefined ? undefined : "ended");
      const matched = await until(`${pattern} from ${command}`, matchOrEnd, timeoutMs).catch((cause: unknown) => {
        throw new Error(`${command} did not write ${pattern}:\n${output}`, { cause });
      });
      if (matched === "ended") throw new Error(`${command} ended with ${end} before it wrote ${pattern}:\n${output}`);
      return matched;
    },
    async stop(graceMs = 5_000) {
      kill("SIGTERM");
      const timer = setTimeout(killNow, graceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}
