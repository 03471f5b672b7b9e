// The completion of zsh, by its _arguments.

import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

export function zshCompletion({ options, commands }: CompletedProgram): string {
  return `#compdef portcullis
# zsh completion of portcullis, made by \`portcullis completion zsh\`
_portcullis() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${single(`${name}:${summary}`)}\n`).join("")}  )
  if (( CURRENT == 2 )); then
    _describe -t commands command commands
    _arguments ${options.map(optionSpec).join(" ")}
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join("")}  esac
}
# Found in $fpath it is called as the function itself; sourced, it must be bound.
if [[ $funcstack[1] == _portcullis ]]; then _portcullis "$@"; else compdef _portcullis portcullis; fi
`;
}

function commandCase({ name, options, values }: CompletedCommand): string {
  const specs = [...options.map(optionSpec), ...values.map((value, i) => single(`${i + 1}${valueSpec(value)}`))];
  return `    ${name}) _arguments ${specs.join(" ")} ;;\n`;
}

function optionSpec({ flag, description, value }: CompletedOption): string {
  const text = `[${escaped(description)}]`;
  return single(value === undefined ? `${flag}${text}` : `${flag}=${text}${valueSpec(value)}`);
}

function valueSpec({ name, choices, isFile }: Value): string {
  const action = isFile ? "_files" : choices.length === 0 ? " " : `(${choices.join(" ")})`;
  return `:${escaped(name)}:${action}`;
}

/** Of what ends a part of a specification. */
function escaped(text: string): string {
  return text.replaceAll(/[\\[\]:]/g, String.raw`\$&`);
}

function single(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
