import { type Lookup, substitute } from "./interpolate.ts";

/** A line of an env file that nobody can read. */
export interface EnvFileProblem {
  /** Offset of its first letter. */
  readonly offset: number;
  readonly message: string;
  readonly hint: string;
}

/** What an env file says. */
export interface EnvFileContent {
  /** Variables in the file's order; undefined takes the value of the surroundings. */
  readonly variables: ReadonlyMap<string, string | undefined>;
  readonly problems: readonly EnvFileProblem[];
}

const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "\\": "\\", '"': '"', $: "$" };

/**
 * Reads an env file (Compose Specification, Env_file format): `NAME=VALUE` lines, with quotes, comments and variables, of
 * the file itself or of `lookup`. As `raw`, values are as they stand.
 */
export function readEnvFile(text: string, lookup: Lookup, format: "compose" | "raw" = "compose"): EnvFileContent {
  const variables = new Map<string, string | undefined>();
  const problems: EnvFileProblem[] = [];
  const known: Lookup = (name) => lookup(name) ?? variables.get(name);
  const content = text.startsWith("\ufeff") ? ` ${text.slice(1)}` : text;
  for (let at = 0; at < content.length;) {
    const end = endOfLine(content, at);
    const line = content.slice(at, end);
    const start = at + (line.length - line.trimStart().length);
    const next = Math.min(end + 1, content.length);
    if (line.trim() === "" || line.trimStart().startsWith("#")) {
      at = next;
      continue;
    }
    const match = /^\s*(?:export\s+)?([^\s=:#'"]+)\s*(?:([=:])[^\S\n]?|$)/.exec(line);
    const name = match?.[1];
    if (match === null || name === undefined) {
      const hint = "write NAME=VALUE";
      problems.push({ offset: start, message: `"${line.trim().slice(0, 40)}" names no variable`, hint });
      at = next;
    } else if (match[2] === undefined) {
      variables.set(name, undefined);
      at = next;
    } else if (format === "raw") {
      variables.set(name, line.slice(line.indexOf("=") + 1).replace(/\r$/, ""));
      at = next;
    } else {
      const read = readValue(content, at + match[0].length, known);
      if ("message" in read) problems.push({ offset: start, ...read });
      else variables.set(name, read.value);
      at = "message" in read ? next : read.end;
    }
  }
  return { variables, problems };
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end;
}

type ReadValue = { readonly value: string; readonly end: number } | { readonly message: string; readonly hint: string };

/** Reads what stands behind the equals sign: a quoted value may reach over lines. */
function readValue(text: string, at: number, lookup: Lookup): ReadValue {
  const lineEnd = endOfLine(text, at);
  const start = at + (/^[^\S\n]*/.exec(text.slice(at, lineEnd))?.[0].length ?? 0);
  const quote = text[start];
  if (quote !== '"' && quote !== "'") {
    const typed = text
      .slice(start, lineEnd)
      .replace(/(^|\s)#.*$/s, "")
      .trim();
    return substituted(typed, lookup, Math.min(lineEnd + 1, text.length));
  }
  let value = "";
  for (let index = start + 1; index < text.length; index++) {
    const letter = text[index] ?? "";
    if (letter === quote) {
      const end = endOfLine(text, index);
      const rest = text.slice(index + 1, end).trim();
      if (rest !== "" && !rest.startsWith("#"))
        return {
          message: `"${rest.slice(0, 20)}" stands behind the closing quote`,
          hint: "remove it, or quote the whole value",
        };
      const after = Math.min(end + 1, text.length);
      return quote === "'" ? { value, end: after } : substituted(value, lookup, after);
    }
    if (letter !== "\\") {
      value += letter;
      continue;
    }
    const next = text[index + 1] ?? "";
    if (quote === "'") value += next === "'" ? "'" : `\\${next}`;
    // A dollar sign that is escaped is none of a variable.
    else value += next === "$" ? "$$" : (escapes[next] ?? `\\${next}`);
    index += 1;
  }
  return { message: "a quote is not closed", hint: `close the value with ${quote}` };
}

function substituted(typed: string, lookup: Lookup, end: number): ReadValue {
  const done = substitute(typed, lookup);
  return "message" in done ? done : { value: done.text, end };
}
