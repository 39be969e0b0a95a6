import {
  type CompletedCommand,
  type CompletedOption,
  type Completion,
  type CompletionTable,
  namesOf,
  shellQuoted,
} from "./completion-table.ts";

/** The completion script for zsh: a function for `$fpath` that can be sourced as well. */
export function zshCompletion({ commands, options }: CompletionTable): string {
  const described = commands.map(({ name, summary }) => shellQuoted(`${name}:${summary.replaceAll(":", "\\:")}`));
  return `#compdef sampan
# Completion of sampan in zsh: source <(sampan completion zsh), behind compinit

_sampan_commands() {
  local -a commands=(
${described.map((each) => `    ${each}`).join("\n")}
  )
  _describe command commands
}

_sampan() {
  local curcontext=$curcontext state line
  if (( CURRENT == 2 )); then
    _arguments -s ${[...options.map((option) => optionArgument(option)), shellQuoted("1:command:_sampan_commands")].join(" ")}
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  # Nothing of ours stands behind --.
  if (( \${words[(i)--]} < CURRENT )); then return 1; fi
  case $command in
${commands.map(commandCase).join("\n")}
  esac
}

if [[ $funcstack[1] == _sampan ]]; then
  _sampan "$@"
else
  compdef _sampan sampan
fi
`;
}

function commandCase({ name, options, operand, endsAtOperand }: CompletedCommand): string {
  const operands = operand.kind === "nothing" ? [] : [shellQuoted(`1:operand:${action(operand)}`)];
  const rest = endsAtOperand ? [shellQuoted("*::argument:( )")] : [];
  const lines = [...options.map((option) => optionArgument(option)), ...operands, ...rest];
  const flags = endsAtOperand ? "-s -S -A '-*'" : "-s -S";
  return `    ${name})\n      _arguments ${flags} \\\n${lines.map((line) => `        ${line}`).join(" \\\n")}\n      ;;`;
}

/** An option for `_arguments`: it may come more than once. */
function optionArgument(option: CompletedOption): string {
  const summary = `[${option.summary.replaceAll(/[[\]\\:]/g, "\\$&")}]`;
  const { completion } = option;
  const form = (option.value ?? "").replaceAll(/[[\]\\:]/g, "\\$&");
  const value = completion === undefined ? "" : `:${form}:${action(completion)}`;
  return namesOf(option)
    .map((name) => {
      const joined = completion === undefined ? name : name.startsWith("--") ? `${name}=` : `${name}+`;
      return shellQuoted(`*${joined}${summary}${value}`);
    })
    .join(" ");
}

function action(completion: Completion): string {
  switch (completion.kind) {
    case "files":
      return "_files";
    case "folders":
      return "_files -/";
    case "modules":
      return '_files -g "*.wasm"';
    case "variables":
      return '_parameters -g "*export*"';
    case "commands":
      return "_sampan_commands";
    case "words":
      return completion.words.some((word) => word.endsWith("="))
        ? `compadd -S "" -- ${completion.words.join(" ")}`
        : `(${completion.words.join(" ")})`;
    case "nothing":
      return " ";
  }
}
