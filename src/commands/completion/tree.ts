// What there is to complete, read from the commands themselves: nothing is kept by hand.

import type { Command } from "commander";

/** What may stand at one place. */
export interface Value {
  readonly name: string;
  readonly description: string;
  /** Empty: anything. */
  readonly choices: readonly string[];
  readonly isFile: boolean;
}

export interface CompletedOption {
  /** With its dashes. */
  readonly flag: string;
  readonly description: string;
  /** undefined: it takes none. */
  readonly value: Value | undefined;
}

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  /** By their places. */
  readonly values: readonly Value[];
}

export interface CompletedProgram {
  readonly options: readonly CompletedOption[];
  readonly commands: readonly CompletedCommand[];
}

const HELP: CompletedOption = { flag: "--help", description: "print the help", value: undefined };

export function completedProgram(program: Command): CompletedProgram {
  return { options: optionsOf(program), commands: program.commands.map(commandOf) };
}

function commandOf(command: Command): CompletedCommand {
  return {
    name: command.name(),
    summary: command.summary(),
    options: optionsOf(command),
    values: command.registeredArguments.map((argument) =>
      valueOf(argument.name(), argument.description, argument.argChoices),
    ),
  };
}

function optionsOf(command: Command): readonly CompletedOption[] {
  const own = command.options.map(({ long, flags, description, argChoices }): CompletedOption => {
    const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];
    const value = name === undefined ? undefined : valueOf(name, description, argChoices);
    return { flag: long ?? flags, description, value };
  });
  return [...own, HELP];
}

/** A place called `file` takes files. */
function valueOf(name: string, description: string, choices: readonly string[] = []): Value {
  return { name, description, choices, isFile: name === "file" };
}
