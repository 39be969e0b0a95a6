import {
  type CompletedCommand,
  type CompletedOption,
  type Completion,
  type CompletionTable,
  namesOf,
} from "./completion-table.ts";

/** The completion script for fish. */
export function fishCompletion({ commands, options }: CompletionTable): string {
  const valued = commands.flatMap(({ name, options: own }) => {
    const names = own.filter(({ completion }) => completion !== undefined).flatMap(namesOf);
    return names.length === 0 ? [] : [`        case ${name}\n            set valued ${names.join(" ")}`];
  });
  const ending = commands.flatMap(({ name, endsAtOperand }) => (endsAtOperand ? [name] : []));
  return `# Completion of sampan in fish: sampan completion fish | source

# Whether the word to complete stands in command $argv[1] where one of its options can stand, or with a second argument
# where its operand can: not behind --, and not among a guest's own arguments.
function __sampan_in
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test "$words[2]" = $argv[1]; or return 1
    set -l valued
    switch $argv[1]
${valued.join("\n")}
    end
    set -l operands 0
    set -l takes 0
    for word in $words[3..-1]
        if test $takes = 1
            set takes 0
        else if test "$word" = --
            return 1
        else if contains -- "$word" $valued
            set takes 1
        else if not string match -q -- '-?*' "$word"
            set operands (math $operands + 1)
        end
    end
    test $operands = 0; and return 0
    set -q argv[2]; and return 1
    not contains -- $argv[1] ${ending.join(" ")}
end

function __sampan_first
    test (count (commandline -opc)) -eq 1
end

complete -c sampan -e
complete -c sampan -f
${commands.map(({ name, summary }) => `complete -c sampan -n __sampan_first -a ${name} -d ${fishQuoted(summary)}`).join("\n")}
${options.map((option) => optionLine(option, "__sampan_first")).join("\n")}
${commands.flatMap((command) => commandLines(command, commands)).join("\n")}
`;
}

function commandLines(command: CompletedCommand, commands: readonly CompletedCommand[]): string[] {
  const { name, options, operand } = command;
  const operands = choices(operand, commands);
  const lines = options.map((option) => optionLine(option, `__sampan_in ${name}`));
  if (operands === undefined) return lines;
  return [...lines, `complete -c sampan -n '__sampan_in ${name} operand' ${operands}`];
}

function optionLine(option: CompletedOption, condition: string): string {
  const { long, short, summary, completion } = option;
  const names = [...(short === undefined ? [] : [`-s ${short.slice(1)}`]), `-l ${long.slice(2)}`].join(" ");
  const value = completion === undefined ? "" : ` ${choices(completion, []) ?? "-x"}`;
  return `complete -c sampan -n ${fishQuoted(condition)} ${names}${value} -d ${fishQuoted(summary)}`;
}

function choices(completion: Completion, commands: readonly CompletedCommand[]): string | undefined {
  switch (completion.kind) {
    case "files":
      return "-r -F";
    case "folders":
      return "-x -a '(__fish_complete_directories (commandline -ct) \"\")'";
    case "modules":
      return String.raw`-x -a '(__fish_complete_suffix .wasm | string match -r "^.*(?:\.wasm|/)(?:\t.*)?\$")'`;
    case "variables":
      return "-x -a '(set -nx)'";
    case "commands":
      return `-x -a ${fishQuoted(commands.map(({ name }) => name).join(" "))}`;
    case "words":
      return `-x -a ${fishQuoted(completion.words.join(" "))}`;
    case "nothing":
      return undefined;
  }
}

/** A text as one word of fish, in whose single quotes backslashes and quotes are escaped. */
function fishQuoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
