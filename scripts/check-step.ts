// Runs one command with the project's own tools first in PATH, keeps what it wrote, and ends it when it takes too long.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { resolve } from "node:path";

export interface StepOutcome {
  /** Why the step failed; undefined when it exited with 0. */
  readonly failure: string | undefined;
  /** Standard output and error as they came. */
  readonly output: string;
  readonly durationMs: number;
}

/** Where several steps run, whichever hears of it first: the end of this process ends the children of all. */
const interrupted = (): never => process.exit(130);

/** Runs `command`; `report` is removed first, so that an old one is never taken for this run's. Never rejects. */
export async function runStep(command: readonly string[], timeoutMs: number, report?: string): Promise<StepOutcome> {
  if (report !== undefined) rmSync(report, { force: true });
  const beganAtMs = performance.now();
  const [program = "", ...args] = command;
  const chunks: Buffer[] = [];
  const path = `${resolve("node_modules/.bin")}:${process.env["PATH"] ?? ""}`;
  // A process group of its own, so that a hanging step goes with all its children.
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PATH: path },
    detached: true,
  });
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));

  const stopChild = (): void => {
    if (child.pid === undefined || child.exitCode !== null) return;
    process.kill(-child.pid, "SIGKILL");
  };
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stopChild();
  }, timeoutMs);
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted).once("exit", stopChild);

  const failure = await new Promise<string | undefined>((done) => {
    child.once("error", (error) => done(`could not start: ${error.message}`));
    child.once("close", (code, signal) => {
      if (timedOut) done(`took longer than ${timeoutMs / 60_000} min and was ended`);
      else done(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`);
    });
  });
  clearTimeout(timer);
  process.off("SIGINT", interrupted).off("SIGTERM", interrupted).off("exit", stopChild);
  return { failure, output: Buffer.concat(chunks).toString("utf8"), durationMs: performance.now() - beganAtMs };
}
