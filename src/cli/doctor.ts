import { printable } from "../base/index.ts";
import type { Command, CommandSpec, ParsedCommand, Surroundings } from "./command.ts";
import { hasSwitch } from "./parse.ts";
import { stdoutStyle, type Style } from "./style.ts";
import { type Check, cordonChecks, fileChecks, limitChecks, platformChecks } from "./system-checks.ts";
import { columns, joinLines, jsonText } from "./text.ts";
import { containerChecks, toolchainChecks } from "./tool-checks.ts";

const spec: CommandSpec = {
  name: "doctor",
  summary: "Show what this system offers to Sampan, and what to do where something is missing",
  usage: "sampan doctor [--json]",
  example: "sampan doctor",
  operands: "none",
  groups: [{ heading: "Output", options: [{ long: "--json", summary: "Print it as data" }] }],
};

/** `sampan doctor`: looks at Node, the kernel, containers and compilers; nothing beyond this machine is asked. */
export const doctorCommand: Command = { spec, execute: examine };

/** What `sampan doctor --json` prints. The keys stay as they are; new ones, and new checks, may join them. */
export interface Examination {
  readonly checks: readonly Check[];
}

/** Longest time in ms that tools and sockets are waited for, all together. */
const patience = 2000;

async function examine(parsed: ParsedCommand, { env, print }: Surroundings): Promise<number> {
  const search = { env, signal: AbortSignal.timeout(patience) };
  const waiting = [...containerChecks(search), ...toolchainChecks(search)];
  const own = [...platformChecks(), ...fileChecks(), ...limitChecks(), ...cordonChecks()];
  const checks = [...own, ...(await Promise.all(waiting))];
  const examination: Examination = { checks };
  print(hasSwitch(parsed, "--json") ? jsonText(examination) : joinLines(linesOf(checks, stdoutStyle(env))));
  return 0;
}

function linesOf(checks: readonly Check[], { width, heading }: Style): string[] {
  const nameWidth = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ status, name, value, meaning }): readonly [string, string] => [
    `${status.padEnd("missing".length)}  ${name.padEnd(nameWidth)}`,
    `${printable(value)}: ${meaning}`,
  ]);
  const left = Math.max(...rows.map(([name]) => name.length));
  const areas = [...new Set(checks.map(({ area }) => area))];
  return areas.flatMap((area, at) => [
    ...(at === 0 ? [] : [""]),
    heading(area),
    ...columns(
      rows.filter((_, index) => checks[index]?.area === area),
      { width, left },
    ),
  ]);
}
