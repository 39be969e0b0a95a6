import { nearest, SampanError } from "../base/index.ts";
import { type CapabilityName, capability, capabilityNames } from "./catalog.ts";
import { grantsFromFlags, type TypedFlag } from "./grants-from-flags.ts";
import { defaultGrants, type FolderAccess, type FolderGrant, type Grants } from "./grants.ts";
import type { FlagContext } from "./parse-flags.ts";
import { resolveHost } from "./paths.ts";

/** A folder of the host as a program grants it: `HOST[:ro|rw]`, or the parts of that. */
export type AllowedFolder = string | { readonly host: string; readonly access?: "ro" | "rw" };

/** Where a guest may connect to and listen, as a program grants it; each as its flag takes it. */
export interface AllowedNet {
  readonly connect?: string | readonly string[];
  readonly listen?: string | number | readonly (string | number)[];
  readonly publish?: string | readonly string[];
  readonly dns?: boolean;
}

/** Variables of the environment as a program grants them. */
export type AllowedEnv = Readonly<Record<string, string | number | boolean | undefined>> | readonly string[];

/** What a program grants a component: the words of a grants file, and beside them `dirs`, which names folders by what the guest sees. */
export interface Allow {
  /** Folders of the host by the names that the guest has for them: `{ "/in": "./photos:ro" }`. */
  readonly dirs?: Readonly<Record<string, AllowedFolder>>;
  /** The same as `-v` takes them: `./photos:/in:ro`. */
  readonly files?: string | readonly string[];
  /** Variables by name, or a list of `NAME=VALUE`, and of `NAME` for one of the process's own. */
  readonly env?: AllowedEnv;
  /** Whom it may connect to, or all that concerns the network. */
  readonly net?: string | readonly string[] | AllowedNet;
  readonly listen?: AllowedNet["listen"];
  readonly publish?: AllowedNet["publish"];
  readonly dns?: boolean;
  /** `real`, `coarse`, `fixed=TIME`; `false` for none. */
  readonly clock?: string | false;
  /** `system`, `seed=TEXT`; `false` for none. */
  readonly random?: string | false;
  /** Names of standard streams, or `all`; `false` for none. */
  readonly stdio?: string | readonly string[] | false;
  readonly workdir?: string;
  /** Values that it reads by their keys (`wasi:config`). */
  readonly config?: Readonly<Record<string, string>> | readonly string[];
  /** Stores by their names, each `memory` or a file (`wasi:keyvalue`). */
  readonly keyvalue?: Readonly<Record<string, string>> | readonly string[];
  /** `stdout` or `stderr`, from a level on: `stderr=warn` (`wasi:logging`). */
  readonly log?: string | false;
}

/** Names for capabilities that are shorter than the grants file's. */
const shortNames: Readonly<Record<string, CapabilityName>> = {
  listen: "net.listen",
  publish: "net.publish",
  dns: "net.dns",
};

/**
 * The grants that a program describes. What it leaves out is as by default: clocks, randomness and stdio, and nothing else.
 * `base` is what the description is added to.
 *
 * @throws GRANT_INVALID, GRANT_UNKNOWN
 */
export function allowed(allow: Allow, context: FlagContext, base: Grants = defaultGrants): Grants {
  const flags: TypedFlag[] = [];
  const folders: FolderGrant[] = [];
  /** The words that flags stand for. */
  const words = new Map<string, string>();
  for (const [word, value] of Object.entries(allow)) {
    if (value === undefined) continue;
    if (word === "dirs") folders.push(...foldersOf(value, context));
    else {
      const told = flagsOf(word, value);
      flags.push(...told);
      for (const { flag } of told) words.set(flag, word);
    }
  }
  try {
    return grantsFromFlags(flags, context, { ...base, files: [...base.files, ...folders] });
  } catch (error) {
    throw toldBy(error, words);
  }
}

/** The error of a flag, told by the word that a program used. */
function toldBy(error: unknown, words: ReadonlyMap<string, string>): unknown {
  if (!(error instanceof SampanError) || error.code !== "GRANT_INVALID") return error;
  const { problem, value, flag } = error.data ?? {};
  const word = words.get(String(flag)) ?? "dirs";
  return typeof problem === "string" ? invalid(word, String(value), problem) : error;
}

function invalid(word: string, value: string, problem: string): SampanError {
  return new SampanError("GRANT_INVALID", `Cannot read "allow.${word}", "${value}": ${problem}`, {
    data: { path: word, problem },
  });
}

function foldersOf(value: unknown, { cwd }: FlagContext): FolderGrant[] {
  return mapOf("dirs", value, "{ GUEST: HOST[:ro|rw] }").map(([guest, folder]) => {
    const [host, access] = hostOf(guest, folder);
    if (guest === "") throw invalid("dirs", guest, "a folder has a name for the guest, such as /data");
    if (host === "" || `${host}${guest}`.includes("\0"))
      throw invalid(`dirs.${guest}`, host, "it names no folder; wanted HOST[:ro|rw], such as ./data:ro");
    return { host: resolveHost(cwd, host), guest, access };
  });
}

/** A folder of the host, and what may be done in it. */
function hostOf(guest: string, folder: unknown): readonly [host: string, access: FolderAccess] {
  if (typeof folder === "string") {
    const [, host = folder, access] = /^(.*):(ro|rw)$/s.exec(folder) ?? [];
    return [host, access === "ro" ? "read-only" : "read-write"];
  }
  const { host, access = "rw", ...more } = mapFrom(folder);
  const [other] = Object.keys(more);
  if (typeof host !== "string" || other !== undefined || (access !== "ro" && access !== "rw"))
    throw invalid(`dirs.${guest}`, shown(folder), "wanted HOST[:ro|rw], or { host, access }");
  return [host, access === "ro" ? "read-only" : "read-write"];
}

/** The flags that stand for one word and its value. */
function flagsOf(word: string, value: unknown): TypedFlag[] {
  return word === "net" ? netFlags(value) : flagsFor(capabilityOf(word), word, value);
}

function netFlags(value: unknown): TypedFlag[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return flagsFor("net.connect", "net", value);
  return Object.entries(value).flatMap(([key, each]: [string, unknown]) => {
    const name = `net.${key}`;
    if (!isCapability(name)) throw unknown(`net.${key}`, key, ["connect", "listen", "publish", "dns"]);
    return each === undefined ? [] : flagsFor(name, name, each);
  });
}

/** A value in the form of a flag, some of them, or `NAME=VALUE` in a map. */
function flagsFor(name: CapabilityName, word: string, value: unknown): TypedFlag[] {
  const { flags } = capability(name);
  const [{ long, value: form }] = flags;
  if (form === undefined) {
    if (typeof value !== "boolean") throw invalid(word, shown(value), "wanted true or false");
    return value ? [{ flag: long }] : [];
  }
  const takesNone = form.split("|").includes("none");
  if (takesNone && value === false) return [{ flag: long, value: "none" }];
  if (name === "stdio" && Array.isArray(value))
    return [{ flag: long, value: value.length === 0 ? "none" : value.join(",") }];
  if (typeof value === "boolean") throw invalid(word, shown(value), `wanted ${form}`);
  return textsOf(word, value).map((each) => ({ flag: long, value: each }));
}

/** Texts as flags have them. */
function textsOf(word: string, value: unknown): string[] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([key, each]: [string, unknown]) =>
      each === undefined ? [] : [`${key}=${textOf(`${word}.${key}`, each)}`],
    );
  }
  const all: readonly unknown[] = Array.isArray(value) ? value : [value];
  return all.map((each) => textOf(word, each));
}

function textOf(word: string, value: unknown): string {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
  throw invalid(word, shown(value), "wanted text");
}

function mapOf(word: string, value: unknown, wanted: string): [string, unknown][] {
  const found = Object.entries(mapFrom(value));
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid(word, shown(value), `wanted ${wanted}`);
  return found;
}

function mapFrom(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? typeof value);
}

function isCapability(name: string): name is CapabilityName {
  return capabilityNames.some((each) => each === name);
}

function capabilityOf(word: string): CapabilityName {
  const name = capabilityNames.find((each) => capability(each).key === word) ?? shortNames[word];
  if (name !== undefined) return name;
  throw unknown(word, word, allowWords());
}

/** The words that {@link allowed} takes. */
export function allowWords(): string[] {
  const keys = capabilityNames.map((name) => capability(name).key).filter((key) => !key.includes("."));
  return [...new Set(["dirs", "env", "net", ...Object.keys(shortNames), ...keys])];
}

function unknown(path: string, word: string, words: readonly string[]): SampanError {
  const near = nearest(word.replace(/^-+/, ""), words);
  const message = `Cannot read "allow.${path}": nothing is called that; wanted one of ${words.join(", ")}`;
  return new SampanError("GRANT_UNKNOWN", message, {
    hint: near === undefined ? undefined : `did you mean "${near}"`,
    data: { path, ...(near === undefined ? {} : { near }) },
  });
}
