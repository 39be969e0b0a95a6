import { SampanError } from "../../base/index.ts";
import type { Problem } from "./model.ts";
import { placeOf, type Spot } from "./tree.ts";

/** What is wrong at a spot. */
export interface Finding {
  readonly spot: Spot;
  /** Keys and indexes from the file's root. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Collects what is wrong with the files of a project, so that all of it is told at once. */
export class Problems {
  readonly #found: Problem[] = [];
  readonly #warnings: Problem[] = [];
  /** Paths of what earlier passes found. */
  #told: readonly string[] = [];

  /** Something that nobody could read. */
  invalid(finding: Finding): void {
    this.#add("COMPOSE_INVALID", finding);
  }

  /** Something that the specification has and Sampan does not. */
  unsupported(finding: Finding): void {
    this.#add("COMPOSE_UNSUPPORTED", finding);
  }

  /** Begins a pass that looks at the same values again: what an earlier one told is not told twice. */
  nextPass(): void {
    this.#told = this.#found.map(({ path }) => path).filter((path) => path !== "");
  }

  #add(code: Problem["code"], finding: Finding): void {
    const { path } = finding;
    if (path !== "" && this.#told.some((told) => isSameValue(told, path))) return;
    this.#found.push(problemOf(code, finding));
  }

  /** Something that has no effect. */
  warn(finding: Finding): void {
    this.#warnings.push(problemOf("COMPOSE_UNSUPPORTED", finding));
  }

  get warnings(): readonly Problem[] {
    return distinct(this.#warnings);
  }

  get isEmpty(): boolean {
    return this.#found.length === 0;
  }

  /**
   * Goes on only where nothing is wrong. The error tells the first problem; `data.problems` has all, in the files' order.
   *
   * @throws COMPOSE_INVALID, COMPOSE_UNSUPPORTED
   */
  throwIfAny(): void {
    const problems = distinct(this.#found);
    const [first] = problems;
    if (first === undefined) return;
    const invalid = problems.find(({ code }) => code === "COMPOSE_INVALID");
    throw new SampanError(invalid?.code ?? first.code, problemText(first), { hint: first.hint, data: { problems } });
  }
}

/** Whether a problem at one path says enough of another: it is the same, one below it, or the item of a list around it. */
function isSameValue(told: string, path: string): boolean {
  const isBelow = (inner: string, outer: string): boolean =>
    inner.startsWith(outer) && /^[.[]/.test(inner.slice(outer.length));
  return told === path || isBelow(path, told) || (path.endsWith("]") && isBelow(told, path));
}

function problemOf(code: Problem["code"], { spot, path, message, hint }: Finding): Problem {
  const { file, line, column } = placeOf(spot);
  return { file, line, column, path, message, ...(hint === undefined ? {} : { hint }), code };
}

/** A problem in one line, its place first: `compose.yaml:12:5: …`. */
export function problemText({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** Each once, file by file and from top to bottom. */
function distinct(problems: readonly Problem[]): Problem[] {
  const files = [...new Set(problems.map(({ file }) => file))];
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const key = `${problemText(problem)}\n${problem.path}`;
      return !seen.has(key) && seen.add(key);
    })
    .toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column);
}
