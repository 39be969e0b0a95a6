import { capability, invalidGrant } from "./catalog.ts";
import type { LogGrant, LogLevel, StoreGrant } from "./grants.ts";
import { type FlagContext, variableProblem } from "./parse-flags.ts";
import { resolveHost, typedHost } from "./paths.ts";

/** The levels of log lines, what is least serious first (`wasi:logging/logging`). */
export const logLevels = ["trace", "debug", "info", "warn", "error", "critical"] as const satisfies readonly LogLevel[];

/** The place of a store that is kept in memory. */
const inMemory = "memory";

/**
 * Reads `KEY=VALUE`.
 *
 * @throws GRANT_INVALID
 */
export function parseConfigValue(text: string): { readonly key: string; readonly value: string } {
  const at = text.indexOf("=");
  const key = at < 0 ? text : text.slice(0, at);
  const value = at < 0 ? "" : text.slice(at + 1);
  const problem = at < 0 ? "it lacks a value" : configProblem(key, value);
  if (problem !== undefined) throw invalidGrant(capability("config").flags[0], text, problem);
  return { key, value };
}

/** What is wrong with a configuration value, if anything: flags and files have to be able to spell it. */
export function configProblem(key: string, value = ""): string | undefined {
  return nameProblem(key) ?? (value.includes("\0") ? "a value cannot hold a NUL" : undefined);
}

/** What is wrong with the name of a store or of a configuration value, if anything. */
export function nameProblem(name: string): string | undefined {
  return variableProblem(name)?.replace("a variable", "anything");
}

/** Writes a configuration value as {@link parseConfigValue} reads it. */
export function formatConfigValue(key: string, value: string): string {
  return `${key}=${value}`;
}

/**
 * Reads `NAME=memory` or `NAME=FILE`; a file that is called "memory" is `./memory`.
 *
 * @throws GRANT_INVALID
 */
export function parseStore(text: string, context: FlagContext): StoreGrant {
  const flag = capability("keyvalue").flags[0];
  const at = text.indexOf("=");
  if (at < 0) throw invalidGrant(flag, text, "it does not say where the store is");
  const name = text.slice(0, at);
  const problem = nameProblem(name) ?? placeProblem(text.slice(at + 1));
  if (problem !== undefined) throw invalidGrant(flag, text.replaceAll("\0", "\\0"), problem);
  return storeAt(name, text.slice(at + 1), context);
}

/** A store by its name and place, as a grants file has them. @throws GRANT_INVALID */
export function storeAt(name: string, place: string, { cwd }: FlagContext): StoreGrant {
  const problem = placeProblem(place);
  if (problem !== undefined)
    throw invalidGrant(capability("keyvalue").flags[0], place.replaceAll("\0", "\\0"), problem);
  return place === inMemory ? { name } : { name, file: resolveHost(cwd, place) };
}

function placeProblem(place: string): string | undefined {
  if (place === "") return "it does not say where the store is";
  return place.includes("\0") ? "a path cannot hold a NUL" : undefined;
}

/** Where a store is, as it is typed: `memory`, or its file, in `cwd` where that is given. */
export function formatPlace({ file }: StoreGrant, cwd?: string): string {
  return file === undefined ? inMemory : typedHost(file, cwd);
}

/** Writes a store as {@link parseStore} reads it. */
export function formatStore(store: StoreGrant, cwd?: string): string {
  return `${store.name}=${formatPlace(store, cwd)}`;
}

/**
 * Reads `none`, `stdout` or `stderr`, with `=LEVEL` for the least serious lines that are written.
 *
 * @throws GRANT_INVALID
 */
export function parseLog(text: string): LogGrant {
  const flag = capability("log").flags[0];
  if (text === "none") return { kind: "none" };
  const [kind = "", level = "trace", ...more] = text.split("=");
  if (kind !== "stdout" && kind !== "stderr") throw invalidGrant(flag, text, `"${kind}" is no place for lines`);
  const known = logLevels.find((each) => each === level);
  if (known === undefined || more.length > 0) {
    const wanted = `LEVEL is one of ${logLevels.join(", ")}`;
    throw invalidGrant(flag, text, `"${[level, ...more].join("=")}" is no level: ${wanted}`);
  }
  return { kind, level: known };
}

/** Writes a log grant as {@link parseLog} reads it. */
export function formatLog(log: LogGrant): string {
  if (log.kind === "none" || log.level === "trace") return log.kind;
  return `${log.kind}=${log.level}`;
}

/** Whether lines of a level are written. */
export function isLogged(log: LogGrant, level: LogLevel): boolean {
  return log.kind !== "none" && logLevels.indexOf(level) >= logLevels.indexOf(log.level);
}
