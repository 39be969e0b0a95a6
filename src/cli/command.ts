/** One option of a command, as `--help` prints it and the parser reads it. */
export interface OptionSpec {
  /** With its dashes. */
  readonly long: string;
  readonly short?: string;
  /** The form of its value; a switch has none. */
  readonly value?: string;
  readonly summary: string;
}

/** A group of options under a heading. */
export interface OptionGroup {
  readonly heading: string;
  readonly options: readonly OptionSpec[];
}

/** What stands behind a command's options. */
export type Operands =
  | "none"
  /** One file. */
  | "file"
  /** A file and the guest's own arguments: no option is read behind the file. */
  | "file-and-args"
  /** At most one word. */
  | "word"
  /** Any number of words. */
  | "words";

/** A command as data: parsing, help and suggestions are made from it. */
export interface CommandSpec {
  readonly name: string;
  /** One sentence without a period. */
  readonly summary: string;
  readonly usage: string;
  /** One command line that works. */
  readonly example: string;
  readonly operands: Operands;
  readonly groups: readonly OptionGroup[];
}

/** An option as it was typed, by its long name; `value` is set unless it is a switch. */
export interface TypedOption {
  readonly option: string;
  readonly value?: string;
}

/** A command line, read. */
export interface ParsedCommand {
  readonly options: readonly TypedOption[];
  readonly operands: readonly string[];
}

/** What a command has of the world around it. */
export interface Surroundings {
  /** The first word that was typed. */
  readonly command?: string | undefined;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to stdout; throws nothing when nobody reads any more. */
  readonly print: (text: string) => void;
  /** Writes to stderr. */
  readonly complain: (text: string) => void;
}

/** What a command's file exports: its description and what it does; the answer is the exit status. */
export interface Command {
  readonly spec: CommandSpec;
  readonly execute: (parsed: ParsedCommand, surroundings: Surroundings) => Promise<number> | number;
}
