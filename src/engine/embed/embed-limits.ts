import { nearest, parseBytes, parseDuration, SampanError } from "../../base/index.ts";
import type { InstanceLimits } from "../limits.ts";

/** What an instance may take, as a program says it: sizes such as `64m`, durations such as `2s`; numbers are bytes and ms. */
export interface EmbedLimits {
  /** All its memories together. */
  readonly memory?: string | number | undefined;
  /** One call, waiting included. */
  readonly time?: string | number | undefined;
  /** All calls together, waiting left out. */
  readonly cpu?: string | number | undefined;
  /** Open files, streams and sockets. */
  readonly files?: number | undefined;
  /** What it writes to stdout and stderr. */
  readonly output?: string | number | undefined;
  /** Each of its stores for keys and values. */
  readonly store?: string | number | undefined;
  /** Keys in one store. */
  readonly storeKeys?: number | undefined;
  /** One value in a store. */
  readonly storeValue?: string | number | undefined;
  /** Threads that it starts. */
  readonly threads?: number | undefined;
  /** Sockets open at once. */
  readonly connections?: number | undefined;
  /** Connections in a second. */
  readonly connectionRate?: number | undefined;
  /** Bytes in a second of its sockets. */
  readonly networkRate?: string | number | undefined;
}

type Reader = (text: string) => number;

const count: Reader = (text) => {
  if (/^\d+$/.test(text)) return Number(text);
  throw new SampanError("UNIT_INVALID", `Cannot read the number "${text}": wanted a whole one`);
};

const known = {
  memory: ["memory", parseBytes],
  time: ["deadline", parseDuration],
  cpu: ["cpu", parseDuration],
  files: ["maxFiles", count],
  output: ["maxOutput", parseBytes],
  store: ["maxStore", parseBytes],
  storeKeys: ["maxStoreKeys", count],
  storeValue: ["maxStoreValue", parseBytes],
  threads: ["maxThreads", count],
  connections: ["maxConnections", count],
  connectionRate: ["maxConnectionRate", count],
  networkRate: ["maxNetworkRate", parseBytes],
} as const satisfies Record<keyof EmbedLimits, readonly [keyof InstanceLimits, Reader]>;

/** Limits as the engine has them. @throws OPTION_UNKNOWN, UNIT_INVALID */
export function readLimits(limits: EmbedLimits): InstanceLimits {
  const read: Record<string, number> = {};
  for (const [name, value] of Object.entries(limits)) {
    if (value === undefined) continue;
    if (!isKnown(name)) throw unknownOption(`limits.${name}`, name, Object.keys(known));
    const [limit, parse] = known[name];
    read[limit] = readOne(name, value, parse);
  }
  return read;
}

function readOne(name: string, value: unknown, parse: Reader): number {
  if (typeof value === "number" && value >= 0) return value;
  if (typeof value === "string") {
    try {
      return parse(value);
    } catch (cause) {
      if (!(cause instanceof SampanError)) throw cause;
      const wanted = /: (wanted .*)$/.exec(cause.message)?.[1] ?? cause.message;
      const message = `Cannot read the option "limits.${name}", "${value}": ${wanted}`;
      throw new SampanError(cause.code, message, { hint: cause.hint, cause });
    }
  }
  throw new SampanError("UNIT_INVALID", `Cannot read "limits.${name}": ${String(value)} is neither text nor a number`);
}

function isKnown(name: string): name is keyof typeof known {
  return Object.hasOwn(known, name);
}

/** The error of a key that means nothing, with the nearest that does. */
export function unknownOption(path: string, name: string, names: readonly string[]): SampanError {
  const near = nearest(name, names);
  const message = `Cannot read the option "${path}": nothing is called that; wanted one of ${names.join(", ")}`;
  return new SampanError("OPTION_UNKNOWN", message, {
    hint: near === undefined ? undefined : `did you mean "${near}"`,
  });
}

/** Refuses a value that an option does not have, with the nearest that it has. @throws OPTION_INVALID */
export function checkChoice(option: string, value: unknown, choices: readonly string[]): void {
  const text = typeof value === "string" ? value : typeof value;
  if (value === undefined || (typeof value === "string" && choices.includes(value))) return;
  const near = nearest(text, choices);
  const wanted = choices.map((each) => `"${each}"`).join(" or ");
  throw new SampanError("OPTION_INVALID", `Cannot use the option "${option}", "${text}": wanted ${wanted}`, {
    hint: near === undefined ? undefined : `did you mean "${near}"`,
  });
}
