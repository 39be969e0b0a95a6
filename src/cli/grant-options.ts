import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { SampanError } from "../base/index.ts";
import {
  capability,
  capabilityNames,
  capabilityOfFlag,
  defaultGrants,
  type Grants,
  grantsFromFlags,
} from "../capabilities/index.ts";
import type { OptionGroup, OptionSpec, ParsedCommand, Surroundings } from "./command.ts";
import { lastValue } from "./parse.ts";

/** The options that grant something, from the catalog of capabilities. */
export const grantGroups: readonly OptionGroup[] = [
  {
    heading: "Grants",
    options: [
      ...capabilityNames.flatMap((name) =>
        capability(name).flags.map(({ long, short, value }, index): OptionSpec => {
          const summary = index === 0 ? capability(name).summary : `The same in another form`;
          return {
            long,
            summary,
            ...(short === undefined ? {} : { short }),
            ...(value === undefined ? {} : { value }),
          };
        }),
      ),
      { long: "--grants", value: "FILE", summary: "Take grants from a YAML or JSON file; flags add to them" },
    ],
  },
];

/**
 * The grants that a command line gives: those of `--grants FILE`, or the defaults, and what the flags add.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN, FILE_NOT_FOUND, FILE_UNREADABLE
 */
export async function grantsOf(
  parsed: ParsedCommand,
  { cwd, env }: Pick<Surroundings, "cwd" | "env">,
): Promise<Grants> {
  const file = lastValue(parsed, "--grants");
  const flags = parsed.options
    .filter(({ option }) => capabilityOfFlag(option) !== undefined)
    .map(({ option, value }) => ({ flag: option, value }));
  const base = file === undefined ? defaultGrants : await readGrantsFile(resolve(cwd, file));
  return grantsFromFlags(flags, { cwd, lookup: (name) => env[name] }, base);
}

async function readGrantsFile(file: string): Promise<Grants> {
  const { readGrants } = await import("../capabilities/index.ts");
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    const isMissing = code === "ENOENT";
    const reason = isMissing ? "there is no such file" : code;
    throw new SampanError(
      isMissing ? "FILE_NOT_FOUND" : "FILE_UNREADABLE",
      `Cannot read grants from "${file}": ${reason}`,
      { cause },
    );
  }
  return readGrants(text, { file, cwd: dirname(file) });
}
