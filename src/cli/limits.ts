import { parseBytes, parseDuration, SampanError } from "../base/index.ts";
import type { Grants } from "../capabilities/index.ts";
import type { OptionGroup, ParsedCommand } from "./command.ts";
import { lastValue } from "./parse.ts";

/** The options that limit a guest. */
export const limitGroup: OptionGroup = {
  heading: "Limits",
  options: [
    { long: "--memory", value: "SIZE", summary: "Most memory, such as 64m; growing past it answers -1" },
    { long: "--timeout", value: "TIME", summary: "Longest time to run, such as 5s; then it ends with status 124" },
    { long: "--max-files", value: "N", summary: "Most files open at once, standard streams and folders included" },
    { long: "--max-output", value: "SIZE", summary: "Most bytes to stdout and stderr together" },
    { long: "--max-connections", value: "N", summary: "Most sockets open at once (default: 4096)" },
    { long: "--max-connection-rate", value: "N", summary: "Most connections begun and accepted in a second" },
    { long: "--max-network-rate", value: "SIZE", summary: "Most bytes in a second to and from sockets" },
    { long: "--max-store", value: "SIZE", summary: "Most bytes in one store (default: 64m in memory, 1g in a file)" },
    { long: "--max-threads", value: "N", summary: "Most threads beside the first (default: 64)" },
  ],
};

/** What {@link limitGroup}'s options say, in bytes and milliseconds; undefined where they were not typed. */
export interface Limits {
  readonly memory: number | undefined;
  readonly timeout: number | undefined;
  readonly maxFiles: number | undefined;
  readonly maxOutput: number | undefined;
  readonly maxConnections: number | undefined;
  /** Connections in a second. */
  readonly maxConnectionRate: number | undefined;
  /** Bytes in a second. */
  readonly maxNetworkRate: number | undefined;
  /** Bytes of one store. */
  readonly maxStore: number | undefined;
  readonly maxThreads: number | undefined;
}

const page = 65_536;
const standardStreams = 3;

/**
 * Reads the options that limit a guest with these grants.
 *
 * @throws CLI_OPTION_INVALID, UNIT_INVALID, each with the option's name
 */
export function limitsOf(parsed: ParsedCommand, grants: Grants): Limits {
  const size = 'a number and a unit, such as "64m"';
  return {
    memory: valueOf(parsed, "--memory", (text) => memoryOf(text, unitOf("--memory", size, parseBytes)(text))),
    timeout: valueOf(parsed, "--timeout", unitOf("--timeout", 'a number and a unit, such as "5s"', parseDuration)),
    maxFiles: valueOf(parsed, "--max-files", (text) => filesOf(text, grants)),
    maxOutput: valueOf(parsed, "--max-output", unitOf("--max-output", size, parseBytes)),
    maxConnections: valueOf(parsed, "--max-connections", countOf("--max-connections", "1024")),
    maxConnectionRate: valueOf(parsed, "--max-connection-rate", countOf("--max-connection-rate", "100", 1)),
    maxNetworkRate: valueOf(parsed, "--max-network-rate", rateOf(unitOf("--max-network-rate", size, parseBytes))),
    maxStore: valueOf(parsed, "--max-store", unitOf("--max-store", size, parseBytes)),
    maxThreads: valueOf(parsed, "--max-threads", countOf("--max-threads", "8")),
  };
}

function valueOf(parsed: ParsedCommand, option: string, read: (text: string) => number): number | undefined {
  const text = lastValue(parsed, option);
  return text === undefined ? undefined : read(text);
}

function unitOf(option: string, wanted: string, parse: (text: string) => number): (text: string) => number {
  return (text) => {
    try {
      return parse(text);
    } catch (cause) {
      if (!(cause instanceof SampanError)) throw cause;
      throw new SampanError(cause.code, `Cannot read ${option} "${text}": wanted ${wanted}`, { cause });
    }
  };
}

function memoryOf(text: string, bytes: number): number {
  if (bytes >= page) return bytes;
  const problem = `that is less than one page of memory, ${page} bytes`;
  const number = /^[1-9]\d*$/.test(text) ? text : "64";
  throw new SampanError("CLI_OPTION_INVALID", `Cannot read --memory "${text}": ${problem}`, {
    hint: `did you mean --memory ${number}m`,
  });
}

function countOf(option: string, example: string, least = 0): (text: string) => number {
  return (text) => {
    if (/^\d{1,7}$/.test(text) && Number(text) >= least) return Number(text);
    const wanted = least === 0 ? "a whole number" : `a whole number from ${least} on`;
    throw new SampanError(
      "CLI_OPTION_INVALID",
      `Cannot read ${option} "${text}": wanted ${wanted}, such as ${example}`,
    );
  };
}

function rateOf(parse: (text: string) => number): (text: string) => number {
  return (text) => {
    const bytes = parse(text);
    if (bytes > 0) return bytes;
    throw new SampanError("CLI_OPTION_INVALID", `Cannot read --max-network-rate "${text}": wanted at least one byte`, {
      hint: "leave out the grants of the network to have none",
    });
  };
}

function filesOf(text: string, { files, workdir }: Grants): number {
  if (!/^\d{1,7}$/.test(text)) {
    throw new SampanError("CLI_OPTION_INVALID", `Cannot read --max-files "${text}": wanted a whole number, such as 64`);
  }
  const least = standardStreams + files.length + (workdir === undefined ? 0 : 1);
  if (Number(text) < least) {
    const problem = `the standard streams and granted folders take ${least}`;
    throw new SampanError("CLI_OPTION_INVALID", `Cannot run with --max-files ${text}: ${problem}`, {
      hint: `the least that works is --max-files ${least}`,
    });
  }
  return Number(text);
}
