import { nearest, SampanError } from "../base/index.ts";
import type { CommandSpec, Operands, OptionSpec, ParsedCommand, TypedOption } from "./command.ts";

/** Options that every command has. */
export const commonOptions: readonly OptionSpec[] = [{ long: "--help", short: "-h", summary: "Show this" }];

/** The options that stand in a command's place. */
export const overviewOptions: readonly OptionSpec[] = [
  ...commonOptions,
  { long: "--version", short: "-V", summary: "Print the version" },
];

/**
 * Reads a command's part of the command line: `--name value`, `--name=value`, `-n value`, `-nvalue`, switches together
 * (`-it`), `--` to end the options.
 *
 * @throws CLI_OPTION_UNKNOWN, CLI_OPTION_INVALID, CLI_USAGE
 */
export function parseCommand(spec: CommandSpec, args: readonly string[]): ParsedCommand {
  const known = [...spec.groups.flatMap(({ options }) => options), ...commonOptions];
  const options: TypedOption[] = [];
  const rest = [...args];
  const operands: string[] = [];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      operands.push(...rest.splice(0));
    } else if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      if (spec.operands === "file-and-args") operands.push(...rest.splice(0));
    } else if (word.startsWith("--")) {
      options.push(readLong(spec, known, { word, rest }));
    } else {
      options.push(...readShort(spec, known, { word, rest }));
    }
  }
  if (!options.some(({ option }) => option === "--help")) checkOperands(spec, operands);
  return { options, operands };
}

interface Reading {
  readonly word: string;
  /** What follows; a value is taken from its front. */
  readonly rest: string[];
}

function readLong(spec: CommandSpec, known: readonly OptionSpec[], { word, rest }: Reading): TypedOption {
  const equals = word.indexOf("=");
  const name = equals < 0 ? word : word.slice(0, equals);
  const option = known.find(({ long }) => long === name);
  if (option === undefined) throw unknownOption(spec, known, name);
  if (option.value === undefined) {
    if (equals >= 0) throw new SampanError("CLI_OPTION_INVALID", `Cannot give "${name}" a value: it is a switch`);
    return { option: name };
  }
  return { option: name, value: equals >= 0 ? word.slice(equals + 1) : valueOf(option, rest) };
}

function readShort(spec: CommandSpec, known: readonly OptionSpec[], { word, rest }: Reading): TypedOption[] {
  const read: TypedOption[] = [];
  for (let at = 1; at < word.length; at++) {
    const name = `-${word[at]}`;
    const option = known.find(({ short }) => short === name);
    if (option === undefined) throw unknownOption(spec, known, at === 1 ? word : name);
    if (option.value === undefined) {
      read.push({ option: option.long });
      continue;
    }
    const attached = word.slice(at + 1).replace(/^=/, "");
    read.push({ option: option.long, value: attached === "" ? valueOf(option, rest) : attached });
    break;
  }
  return read;
}

function valueOf(option: OptionSpec, rest: string[]): string {
  const value = rest.shift();
  if (value === undefined) {
    throw new SampanError("CLI_OPTION_INVALID", `Cannot read "${option.long}": it lacks its value ${option.value}`);
  }
  return value;
}

function unknownOption(spec: CommandSpec, known: readonly OptionSpec[], name: string): SampanError {
  // Any letter is as near to one letter as any other: a guess would be none.
  const near =
    name.length <= 2
      ? undefined
      : nearest(
          name.startsWith("--") ? name : `-${name}`,
          known.map(({ long }) => long),
        );
  const hint = near === undefined ? `see sampan ${spec.name} --help` : `did you mean ${near}`;
  return new SampanError("CLI_OPTION_UNKNOWN", `Cannot read "${name}": sampan ${spec.name} has no such option`, {
    hint,
  });
}

const operandCounts: Readonly<Record<Operands, readonly [least: number, most: number]>> = {
  none: [0, 0],
  file: [1, 1],
  "file-and-args": [1, Number.POSITIVE_INFINITY],
  word: [0, 1],
  words: [0, Number.POSITIVE_INFINITY],
};

function checkOperands(spec: CommandSpec, operands: readonly string[]): void {
  const [least, most] = operandCounts[spec.operands];
  const hint = `usage: ${spec.usage}`;
  if (operands.length < least) throw new SampanError("CLI_USAGE", `Cannot ${spec.name} without a FILE`, { hint });
  if (operands.length > most) {
    throw new SampanError("CLI_USAGE", `Cannot ${spec.name} with "${operands[most]}" as well`, { hint });
  }
}

/** The value of an option that counts once: the last one typed. */
export function lastValue({ options }: ParsedCommand, name: string): string | undefined {
  return options.findLast(({ option }) => option === name)?.value;
}

/** Whether a switch was typed. */
export function hasSwitch({ options }: ParsedCommand, name: string): boolean {
  return options.some(({ option }) => option === name);
}
