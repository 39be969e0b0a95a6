import { readFileSync } from "node:fs";
import { type At, at, entriesAt, itemsAt, itemsOrOne, refuse, text, truth } from "./at.ts";
import { type EnvFileContent, readEnvFile } from "./env-file.ts";
import type { Lookup } from "./interpolate.ts";
import { hostPath } from "./paths.ts";
import type { Problems } from "./problems.ts";
import type { Reading } from "./reading.ts";
import { lineStartsOf } from "./tree.ts";

/** The variables that a service's guest sees: those of its env files, then those of `environment`. */
export function readEnvironment(service: At, reading: Reading): Record<string, string> {
  const env = new Map<string, string>();
  const take = (name: string, value: string | undefined): void => {
    const found = value ?? reading.lookup(name);
    if (found === undefined) env.delete(name);
    else env.set(name, found);
  };
  for (const place of itemsOrOne(at(service, "env_file")))
    for (const [name, value] of readFileAt(place, reading) ?? []) take(name, value);
  for (const { name, value, place } of pairsAt(at(service, "environment"), "=")) {
    const problem = /^$|[\s=\0]/.test(name) ? `"${name}" is no name of a variable` : undefined;
    if (problem !== undefined) refuse(reading.problems, place, problem, "write NAME: VALUE, or - NAME=VALUE");
    else if (value?.includes("\0") === true) refuse(reading.problems, place, "a value cannot hold a NUL", "remove it");
    else take(name, value);
  }
  return Object.fromEntries(env);
}

/** Labels of a map or a list of `KEY=VALUE`, and those of `label_file` before them. */
export function readLabels(owner: At, reading: Reading): Record<string, string> {
  const labels = new Map<string, string>();
  for (const place of itemsOrOne(at(owner, "label_file")))
    for (const [name, value] of readFileAt(place, reading) ?? []) labels.set(name, value ?? "");
  for (const { name, value } of pairsAt(at(owner, "labels"), "=")) labels.set(name, value ?? "");
  return Object.fromEntries(labels);
}

interface PairAt {
  readonly name: string;
  /** Undefined where there is a name alone. */
  readonly value: string | undefined;
  readonly place: At;
}

function pairsAt(place: At | undefined, separator: string): PairAt[] {
  const fromMap = entriesAt(place).map(([name, value]) => ({ name, value: text(value), place: value }));
  const fromList = itemsAt(place).flatMap((item): PairAt[] => {
    const typed = text(item);
    if (typed === undefined) return [];
    const end = typed.indexOf(separator);
    return [
      { name: end < 0 ? typed : typed.slice(0, end), value: end < 0 ? undefined : typed.slice(end + 1), place: item },
    ];
  });
  return [...fromMap, ...fromList];
}

function readFileAt(place: At, reading: Reading): EnvFileContent["variables"] | undefined {
  const { problems } = reading;
  const isLong = place.tree.kind === "map";
  const where = isLong ? at(place, "path") : place;
  const typed = text(where);
  if (where === undefined || typed === undefined) return undefined;
  const format = text(at(place, "format"));
  if (format !== undefined && format !== "raw") {
    refuse(
      problems,
      at(place, "format") ?? place,
      `found "${format}", wanted raw`,
      "write format: raw, or leave it out",
    );
    return undefined;
  }
  const isRequired = truth(problems, at(place, "required"), true);
  const path = hostPath(typed, reading);
  const content = readText(path);
  if (content === undefined) {
    if (isRequired && reading.wantsFiles) {
      const hint = "make it, or write path: and required: false";
      refuse(problems, where, `there is no file "${typed}" that can be read`, hint);
    }
    return undefined;
  }
  return variablesOf({ content, path, shown: typed, lookup: reading.lookup, format: format ?? "compose" }, problems);
}

/** A file's text, or undefined where it cannot be read. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The variables of an env file, of which the wrong lines are told by their own places. */
export function variablesOf(
  file: { content: string; path: string; shown: string; lookup: Lookup; format: "compose" | "raw" },
  problems: Problems,
): EnvFileContent["variables"] {
  const { variables, problems: wrong } = readEnvFile(file.content, file.lookup, file.format);
  const source = { path: file.path, shown: file.shown, lineStarts: lineStartsOf(file.content) };
  for (const { offset, message, hint } of wrong)
    problems.invalid({ spot: { source, offset }, path: "", message: `Cannot read the env file: ${message}`, hint });
  return variables;
}
