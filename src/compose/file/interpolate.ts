import type { Problems } from "./problems.ts";
import { type Entry, keyPath, type Spot, type Tree } from "./tree.ts";

/** Values of variables; undefined where there is none of the name. */
export type Lookup = (name: string) => string | undefined;

/** Why a text cannot have its variables put in. */
export interface TemplateProblem {
  readonly message: string;
  readonly hint: string;
}

/** A text with its variables put in. */
export interface Substituted {
  readonly text: string;
  /** Variables that are not set and have no default. */
  readonly missing: readonly string[];
}

/**
 * Puts variables into a text: `$A`, `${A}`, `${A:-x}`, `${A-x}`, `${A:?why}`, `${A?why}`, `${A:+x}`, `${A+x}`, one in
 * another, `$$` for a dollar sign (Compose Specification, Interpolation). A dollar sign before anything else stays.
 */
export function substitute(template: string, lookup: Lookup): Substituted | TemplateProblem {
  const reader = new TemplateReader(template, lookup);
  try {
    return { text: reader.read(), missing: reader.missing };
  } catch (error) {
    if (error instanceof TemplateFailure) return error.problem;
    throw error;
  }
}

class TemplateFailure extends Error {
  readonly problem: TemplateProblem;

  constructor(message: string, hint: string) {
    super(message);
    this.problem = { message, hint };
  }
}

function notClosed(): TemplateFailure {
  return new TemplateFailure("${ is not closed by a }", 'close it, or write "$$" for a dollar sign');
}

const deepest = 100;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;

class TemplateReader {
  readonly missing: string[] = [];
  readonly #text: string;
  readonly #lookup: Lookup;
  #at = 0;
  #depth = 0;

  constructor(text: string, lookup: Lookup) {
    this.#text = text;
    this.#lookup = lookup;
  }

  read(): string {
    return this.#part({ inBraces: false, isUsed: true });
  }

  /** Reads to the end, or to the brace that closes a default. What is not used is read and not looked up. */
  #part({ inBraces, isUsed }: { inBraces: boolean; isUsed: boolean }): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const letter = this.#text[this.#at] ?? "";
      if (letter === "}" && inBraces) return result;
      if (letter !== "$") {
        result += letter;
        this.#at += 1;
      } else if (this.#text[this.#at + 1] === "$") {
        result += "$";
        this.#at += 2;
      } else if (this.#text[this.#at + 1] === "{") {
        this.#at += 2;
        result += this.#braced(isUsed);
      } else {
        this.#at += 1;
        const found = this.#name();
        result += found === undefined ? "$" : this.#value(found, isUsed);
      }
    }
    if (inBraces) throw notClosed();
    return result;
  }

  #name(): string | undefined {
    name.lastIndex = this.#at;
    const found = name.exec(this.#text)?.[0];
    this.#at += found?.length ?? 0;
    return found;
  }

  #value(variable: string, isUsed: boolean): string {
    const value = isUsed ? this.#lookup(variable) : "";
    if (value === undefined) this.missing.push(variable);
    return value ?? "";
  }

  #braced(isUsed: boolean): string {
    const start = this.#at;
    const variable = this.#name();
    const operator = /^(?::?[-?+])?/.exec(this.#text.slice(this.#at, this.#at + 2))?.[0] ?? "";
    if (this.#at >= this.#text.length) throw notClosed();
    if (variable === undefined || (operator === "" && this.#text[this.#at] !== "}")) {
      const shown = `\${${this.#text.slice(start, start + 20)}`;
      throw new TemplateFailure(
        `"${shown}" is no variable`,
        'write ${NAME}, ${NAME:-default}, ${NAME:?message} or ${NAME:+value}, or "$$" for a dollar sign',
      );
    }
    if (operator === "") {
      this.#at += 1;
      return this.#value(variable, isUsed);
    }
    this.#at += operator.length;
    const value = this.#lookup(variable);
    const isThere = value !== undefined && (value !== "" || !operator.startsWith(":"));
    const kind = operator.at(-1);
    const wantsWord = isUsed && (kind === "+" ? isThere : !isThere);
    this.#depth += 1;
    if (this.#depth > deepest)
      throw new TemplateFailure(`variables stand in one another ${deepest} times`, "write a default of its own");
    const word = this.#part({ inBraces: true, isUsed: wantsWord });
    this.#depth -= 1;
    this.#at += 1;
    if (kind === "?" && wantsWord) {
      const why = word === "" ? "" : `: ${word}`;
      const how = `set it in the environment or in the file .env: ${variable}=VALUE`;
      throw new TemplateFailure(`the variable ${variable} is ${value === "" ? "empty" : "not set"}${why}`, how);
    }
    if (wantsWord) return word;
    return kind === "+" ? "" : (value ?? "");
  }
}

/** Puts variables into all texts of a tree that are not keys; what cannot be read stays as it is and is told. */
export function interpolate(tree: Tree, lookup: Lookup, problems: Problems, path = ""): Tree {
  if (tree.kind === "list")
    return {
      ...tree,
      items: tree.items.map((item, index) => interpolate(item, lookup, problems, `${path}[${index}]`)),
    };
  if (tree.kind === "map") {
    const entries = new Map<string, Entry>();
    for (const [key, { key: spot, value }] of tree.entries)
      entries.set(key, { key: spot, value: interpolate(value, lookup, problems, keyPath(path, key)) });
    return { ...tree, entries };
  }
  if (typeof tree.value !== "string" || !tree.value.includes("$")) return tree;
  const done = substitute(tree.value, lookup);
  if ("message" in done) {
    problems.invalid({ spot: tree.spot, path, message: `Cannot read ${path}: ${done.message}`, hint: done.hint });
    return tree;
  }
  warnOfMissing(done.missing, tree.spot, path, problems);
  return { ...tree, value: done.text, interpolated: true };
}

function warnOfMissing(missing: readonly string[], spot: Spot, path: string, problems: Problems): void {
  for (const variable of new Set(missing))
    problems.warn({
      spot,
      path,
      message: `The variable "${variable}" is not set, ${path} has nothing in its place`,
      hint: `set it, or write \${${variable}:-DEFAULT}`,
    });
}
