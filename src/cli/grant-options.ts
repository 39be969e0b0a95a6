import { dirname, resolve } from "node:path";
import {
  type CapabilityName,
  capability,
  capabilityNames,
  capabilityOfFlag,
  defaultGrants,
  type Grants,
  grantsFromFlags,
} from "../capabilities/index.ts";
import type { OptionGroup, OptionSpec, ParsedCommand, Surroundings } from "./command.ts";
import { readText } from "./files.ts";
import { lastValue } from "./parse.ts";

const isOfNetwork = (name: CapabilityName): boolean => name.startsWith("net.");

/** The options that grant something, from the catalog of capabilities. */
export const grantGroups: readonly OptionGroup[] = [
  {
    heading: "Grants",
    options: [
      ...capabilityNames.filter((name) => !isOfNetwork(name)).flatMap(optionsOf),
      { long: "--grants", value: "FILE", summary: "Take grants from a YAML or JSON file; flags add to them" },
    ],
  },
  {
    heading: "Network grants",
    options: capabilityNames.filter(isOfNetwork).flatMap(optionsOf),
  },
];

function optionsOf(name: CapabilityName): OptionSpec[] {
  const { flags, summary } = capability(name);
  return flags.map(({ long, short, value }, index) => ({
    long,
    summary: index === 0 ? summary : "The same in another form",
    ...(short === undefined ? {} : { short }),
    ...(value === undefined ? {} : { value }),
  }));
}

/** The grants of a command line, and the variables among them whose value is that of the surroundings. */
export interface TypedGrants {
  readonly grants: Grants;
  readonly fromSurroundings: ReadonlySet<string>;
}

/**
 * The grants that a command line gives: those of `--grants FILE`, or the defaults, and what the flags add.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function grantsOf(
  parsed: ParsedCommand,
  { cwd, env }: Pick<Surroundings, "cwd" | "env">,
): Promise<TypedGrants> {
  const asked = new Set<string>();
  const lookup = (name: string): string | undefined => {
    asked.add(name);
    return env[name];
  };
  const file = lastValue(parsed, "--grants");
  const flags = parsed.options
    .filter(({ option }) => capabilityOfFlag(option) !== undefined)
    .map(({ option, value }) => ({ flag: option, value }));
  const base = file === undefined ? defaultGrants : await readGrantsFile(resolve(cwd, file), lookup);
  const grants = grantsFromFlags(flags, { cwd, lookup }, base);
  // A later flag may have given it a value of its own.
  const fromSurroundings = new Set([...asked].filter((name) => grants.env[name] === env[name]));
  return { grants, fromSurroundings };
}

async function readGrantsFile(file: string, lookup: (name: string) => string | undefined): Promise<Grants> {
  const { readGrants } = await import("../capabilities/index.ts");
  return readGrants(readText(file, "grants"), { file, cwd: dirname(file), lookup });
}
