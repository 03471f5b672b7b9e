// Runs a command of the real `bin/portcullis` to its end.

import { execFile, type ExecFileException } from "node:child_process";
import { PORTCULLIS } from "./portcullis.ts";

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
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
