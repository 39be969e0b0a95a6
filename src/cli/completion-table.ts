import { stdioNames } from "../capabilities/index.ts";
import type { CommandSpec, OptionSpec } from "./command.ts";
import { commonOptions, overviewOptions } from "./parse.ts";

/** What can stand in a place of the command line. */
export type Completion =
  | { readonly kind: "files" | "modules" | "folders" | "variables" | "commands" | "nothing" }
  /** Words; one that ends in `=` goes on. */
  | { readonly kind: "words"; readonly words: readonly string[] };

/** One option as a shell completes it. */
export interface CompletedOption extends OptionSpec {
  /** What its value can be; a switch has none. */
  readonly completion?: Completion;
}

/** One command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly operand: Completion;
  /** Whether what follows the first operand is the guest's own: options of ours are no longer read. */
  readonly endsAtOperand: boolean;
}

/** What the scripts of all shells are made from. */
export interface CompletionTable {
  readonly commands: readonly CompletedCommand[];
  /** Options in a command's place. */
  readonly options: readonly OptionSpec[];
}

/** The table of some commands, from what their parser and help read. */
export function completionTable(specs: readonly CommandSpec[]): CompletionTable {
  return { commands: specs.map(completedCommand), options: overviewOptions };
}

function completedCommand(spec: CommandSpec): CompletedCommand {
  const options = [...spec.groups.flatMap((group) => group.options), ...commonOptions].map((option): CompletedOption =>
    option.value === undefined ? option : { ...option, completion: completionOf(option.value) },
  );
  const endsAtOperand = spec.operands === "file-and-args";
  return { name: spec.name, summary: spec.summary, options, operand: operandOf(spec), endsAtOperand };
}

function operandOf({ operands, usage }: CommandSpec): Completion {
  switch (operands) {
    case "none":
    case "words":
      return { kind: "nothing" };
    case "file":
    case "file-and-args":
      return { kind: "modules" };
    case "word": {
      const form =
        usage
          .split(" ")
          .slice(2)
          .find((word) => /^\[?(?:[A-Z]+|[a-z]+\|.*)\]?$/.test(word)) ?? "";
      const bare = form.replaceAll(/[[\]]/g, "");
      return bare === "FILE" ? { kind: "modules" } : bare === "COMMAND" ? { kind: "commands" } : completionOf(bare);
    }
  }
}

/** What a value of a form can be: the form is the one that help prints. */
export function completionOf(form: string): Completion {
  if (form === "FILE") return { kind: "files" };
  if (/^HOST(?::|\[::)GUEST/.test(form)) return { kind: "folders" };
  if (form === "NAME[=VALUE]") return { kind: "variables" };
  const words = form.split("|").flatMap((part) => {
    if (part === "NAME[,NAME]") return [...stdioNames];
    return /^[a-z]+=?/.exec(part)?.[0] ?? [];
  });
  return words.length === 0 ? { kind: "nothing" } : { kind: "words", words };
}

/** A text as one word of a shell, between single quotes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The names of an option. */
export function namesOf({ long, short }: OptionSpec): string[] {
  return short === undefined ? [long] : [short, long];
}
