// The completion of fish: one line for each thing that may be written.

import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

export function fishCompletion({ options, commands }: CompletedProgram): string {
  const none = "__fish_use_subcommand";
  return [
    "# fish completion of portcullis, made by `portcullis completion fish`",
    "complete -c portcullis -f",
    ...options.map((option) => optionLine(option, none)),
    ...commands.map(({ name, summary }) => `complete -c portcullis -n ${none} -a ${name} -d ${single(summary)}`),
    ...commands.flatMap(commandLines),
    "",
  ].join("\n");
}

function commandLines({ name, options, values }: CompletedCommand): readonly string[] {
  const seen = `__fish_seen_subcommand_from ${name}`;
  return [
    ...options.map((option) => optionLine(option, single(seen))),
    ...values.flatMap((value) => placeLine(value, seen)),
  ];
}

function optionLine({ flag, description, value }: CompletedOption, condition: string): string {
  const what = value === undefined ? "" : value.isFile ? " -r -F" : ` -x${choicesOf(value)}`;
  return `complete -c portcullis -n ${condition} -l ${flag.replace(/^--/, "")}${what} -d ${single(description)}`;
}

/** Choices are offered until one of them is written. */
function placeLine(value: Value, seen: string): readonly string[] {
  if (value.isFile) return [`complete -c portcullis -n ${single(seen)} -F`];
  if (value.choices.length === 0) return [];
  const condition = single(`${seen}; and not __fish_seen_subcommand_from ${value.choices.join(" ")}`);
  return [`complete -c portcullis -n ${condition}${choicesOf(value)} -d ${single(value.description)}`];
}

function choicesOf({ choices }: Value): string {
  return choices.length === 0 ? "" : ` -a ${single(choices.join(" "))}`;
}

function single(text: string): string {
  return `'${text.replaceAll("\\", String.raw`\\`).replaceAll("'", String.raw`\'`)}'`;
}
