// Runs a command to its end: the real `bin/portcullis`, or what it runs, here and without a process of its own.

import { execFile, type ExecFileException } from "node:child_process";
import { runCli } from "../../src/commands/cli.ts";
import { ok } from "../../src/core/result.ts";
import { PORTCULLIS } from "./portcullis.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | Uint8Array;
}

export function run(args: readonly string[], { cwd, env = {}, stdin = "" }: CommandOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = execFile(
      PORTCULLIS,
      args,
      { cwd, env: { ...process.env, ...env } },
      (error: ExecFileException | null, out, err) =>
        resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
    child.stdin?.on("error", () => undefined); // it may end before it has read everything
    child.stdin?.end(stdin);
  });
}

/** For tables of many: starting a process takes most of a second. Signals do not reach it. */
export async function runHere(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
  const { cwd = process.cwd(), env = {}, stdin = "" } = options;
  let out = "";
  let err = "";
  const code = await runCli(args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    readStdin: () => Promise.resolve(ok(stdin.toString())),
    async *stdinChunks() {
      yield Buffer.from(stdin);
    },
    env,
    cwd,
    isTerminal: false,
    isErrorTerminal: false,
    version: "0.0.0-test",
    program: new URL(import.meta.url),
    signals: { onTerminate: () => undefined, onInterrupt: () => undefined, onReload: () => undefined },
  });
  return { code, out, err };
}
