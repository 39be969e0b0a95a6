import {
  type CompletedCommand,
  type Completion,
  type CompletionTable,
  namesOf,
  shellQuoted,
} from "./completion-table.ts";

/** The completion script for bash 3.2 and later. */
export function bashCompletion({ commands, options }: CompletionTable): string {
  const overview = [...commands.map(({ name }) => name), ...options.flatMap(namesOf)].join(" ");
  return `# Completion of sampan in bash: source <(sampan completion bash)

_sampan_commands=${shellQuoted(commands.map(({ name }) => name).join(" "))}

# The options of command $1.
_sampan_options() {
  case $1 in
${commands.map(optionsCase).join("\n")}
  esac
}

# What the value of option $2 of command $1 can be; nothing for a switch.
_sampan_value() {
  case "$1 $2" in
${commands.flatMap(valueCases).join("\n")}
  esac
}

# What the operand of command $1 can be.
_sampan_operand() {
  case $1 in
${commands.map(({ name, operand }) => `    ${name}) echo ${shellQuoted(encoded(operand))} ;;`).join("\n")}
  esac
}

_sampan_reply() {
  local IFS=$'\\n' kind=\${1%% *} words=\${1#words }
  COMPREPLY=()
  case $kind in
    files) COMPREPLY=($(compgen -f -- "$2")); compopt -o filenames 2> /dev/null ;;
    folders) COMPREPLY=($(compgen -d -- "$2")); compopt -o filenames -o nospace 2> /dev/null ;;
    modules) COMPREPLY=($(compgen -d -- "$2"; compgen -f -X '!*.wasm' -- "$2")); compopt -o filenames 2> /dev/null ;;
    variables) COMPREPLY=($(compgen -e -- "$2")) ;;
    commands) IFS=$' \\n'; COMPREPLY=($(compgen -W "$_sampan_commands" -- "$2")) ;;
    words)
      IFS=$' \\n'
      COMPREPLY=($(compgen -W "$words" -- "$2"))
      if [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2> /dev/null; fi
      ;;
  esac
}

_sampan() {
  local current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]}
  local at word value='' letter operands=0 glued='' before=''
  COMPREPLY=()
  if [[ $COMP_CWORD -le 1 ]]; then
    _sampan_reply ${shellQuoted(`words ${overview}`)} "$current"
    return
  fi
  for ((at = 2; at < COMP_CWORD; at++)); do
    word=\${COMP_WORDS[at]}
    # Bash cuts words at = and :, which stand within values.
    if [[ $word == '=' && $before == --* && -n $value ]]; then before=$word; continue; fi
    if [[ $word == [=:]* || -n $glued ]] && [[ -z $value ]]; then
      if [[ $word == *[=:] ]]; then glued=1; else glued=''; fi
      continue
    fi
    before=$word
    if [[ -n $value ]]; then value=''; continue; fi
    case $word in
      --) return ;;
      --*=*) ;;
      --*) value=$(_sampan_value "$command" "$word") ;;
      -?*)
        for ((letter = 1; letter < \${#word}; letter++)); do
          value=$(_sampan_value "$command" "-\${word:letter:1}")
          if [[ -n $value ]]; then
            if ((letter + 1 < \${#word})); then value=''; fi
            break
          fi
        done
        ;;
      *)
        operands=$((operands + 1))
        case $command in ${commands.flatMap(({ name, endsAtOperand }) => (endsAtOperand ? [name] : [])).join("|")}) return ;; esac
        ;;
    esac
  done
  if [[ -n $value ]]; then
    if [[ $current == '=' ]]; then current=''; fi
    _sampan_reply "$value" "$current"
  elif [[ $current == [=:]* || -n $glued ]]; then
    return
  elif [[ $current == --*=* ]]; then
    local option=\${current%%=*} index
    _sampan_reply "$(_sampan_value "$command" "$option")" "\${current#*=}"
    for index in "\${!COMPREPLY[@]}"; do COMPREPLY[index]=$option=\${COMPREPLY[index]}; done
  elif [[ $current == -* ]]; then
    _sampan_reply "words $(_sampan_options "$command")" "$current"
  elif [[ $operands -eq 0 ]]; then
    _sampan_reply "$(_sampan_operand "$command")" "$current"
  fi
}

complete -F _sampan sampan
`;
}

function optionsCase({ name, options }: CompletedCommand): string {
  return `    ${name}) echo ${shellQuoted(options.flatMap(namesOf).join(" "))} ;;`;
}

function valueCases({ name, options }: CompletedCommand): string[] {
  return options.flatMap((option) => {
    if (option.completion === undefined) return [];
    const patterns = namesOf(option).map((each) => shellQuoted(`${name} ${each}`));
    return [`    ${patterns.join("|")}) echo ${shellQuoted(encoded(option.completion))} ;;`];
  });
}

function encoded(completion: Completion): string {
  return completion.kind === "words" ? `words ${completion.words.join(" ")}` : completion.kind;
}
