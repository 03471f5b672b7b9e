// `portcullis completion`: prints what a shell needs to complete the command line.

import type { Command } from "commander";
import { bashCompletion } from "./completion/bash.ts";
import { fishCompletion } from "./completion/fish.ts";
import { completedProgram, type CompletedProgram } from "./completion/tree.ts";
import { zshCompletion } from "./completion/zsh.ts";
import { EXIT, type CommandIo } from "./io.ts";
import type { Shell } from "./shells.ts";

const SCRIPTS: Readonly<Record<Shell, (program: CompletedProgram) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

export function completion(shell: Shell, program: Command, io: CommandIo): number {
  io.out(SCRIPTS[shell](completedProgram(program)));
  return EXIT.done;
}
