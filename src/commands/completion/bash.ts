// The completion of bash: one function, in the words of bash 3.2, which macOS has.

import type { CompletedCommand, CompletedOption, CompletedProgram, Value } from "./tree.ts";

export function bashCompletion({ options, commands }: CompletedProgram): string {
  const names = commands.map(({ name }) => name);
  return `# bash completion of portcullis, made by \`portcullis completion bash\`
_portcullis() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command="" place=0 skip="" words="" files="" i word
  # readline cuts --option=value into three words.
  if [ "$cur" = "=" ]; then cur=""; elif [ "$prev" = "=" ]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [ -n "$skip" ] && [ "$word" != "=" ]; then skip=""; continue; fi
    case "$command $word" in
      *" =") ;;
${commands.flatMap(valuedOptions).join("")}      *" -"*) ;;
      *) if [ -z "$command" ]; then command=$word; else place=$((place + 1)); fi ;;
    esac
  done
  case "$command $prev" in
${commands.flatMap(optionValues).join("")}    *)
      case "$cur" in
        -*)
          case "$command" in
            "") words=${quoted(options.map(({ flag }) => flag))} ;;
${commands.map(flagsOf).join("")}          esac ;;
        *)
          case "$command $place" in
            " "*) words=${quoted(names)} ;;
${commands.flatMap(placesOf).join("")}          esac ;;
      esac ;;
  esac
  if [ -n "$files" ]; then
    local IFS=$'\\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _portcullis portcullis
`;
}

function quoted(words: readonly string[]): string {
  return `"${words.join(" ")}"`;
}

function withValue({ options }: CompletedCommand): readonly (CompletedOption & { readonly value: Value })[] {
  return options.flatMap((option) => (option.value === undefined ? [] : [{ ...option, value: option.value }]));
}

/** The word after such an option is no argument. */
function valuedOptions(command: CompletedCommand): readonly string[] {
  const patterns = withValue(command).map(({ flag }) => `"${command.name} ${flag}"`);
  return patterns.length === 0 ? [] : [`      ${patterns.join(" | ")}) skip=1 ;;\n`];
}

function optionValues(command: CompletedCommand): readonly string[] {
  return withValue(command).map(({ flag, value }) => `    "${command.name} ${flag}") ${assigned(value)} ;;\n`);
}

function flagsOf({ name, options }: CompletedCommand): string {
  return `            ${name}) words=${quoted(options.map(({ flag }) => flag))} ;;\n`;
}

function placesOf({ name, values }: CompletedCommand): readonly string[] {
  return values.map((value, place) => `            "${name} ${place}") ${assigned(value)} ;;\n`);
}

function assigned({ isFile, choices }: Value): string {
  return isFile ? "files=1" : `words=${quoted(choices)}`;
}
