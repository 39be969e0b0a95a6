import { nearest, SampanError } from "../../base/index.ts";

/** One file of WIT: its path, as errors name it, and its text. */
export interface WitSource {
  readonly path: string;
  readonly text: string;
}

/** A place in a file: where it begins, in UTF-16 units from the beginning of the text. */
export interface WitPlace {
  readonly source: WitSource;
  readonly offset: number;
}

/** What {@link witInvalid} says besides the problem. */
export interface WitProblem {
  readonly at: WitPlace;
  /** The name that was not found, and those that would have been. */
  readonly name?: string;
  readonly candidates?: Iterable<string>;
  readonly hint?: string;
}

/** The error for text that is no WIT; `data` has `file`, `line` and `column`, both from 1. */
export function witInvalid(problem: string, { at, name, candidates, hint }: WitProblem): SampanError {
  const { line, column } = lineAndColumn(at);
  const file = at.source.path;
  const near = name === undefined || candidates === undefined ? undefined : nearest(name, candidates);
  return new SampanError("WIT_INVALID", `Cannot read the WIT in "${file}" at ${line}:${column}: ${problem}`, {
    hint: near === undefined ? hint : `did you mean ${near}`,
    data: { file, line, column },
  });
}

/** Names as a list that a sentence can hold: the first eight, quoted. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, 8).map((name) => `"${name}"`);
  if (all.length > 8) return `${shown.join(", ")} and ${all.length - 8} more`;
  return shown.length > 1 ? `${shown.slice(0, -1).join(", ")} or ${shown.at(-1)}` : (shown[0] ?? "nothing");
}

function lineAndColumn({ source, offset }: WitPlace): { line: number; column: number } {
  const before = source.text.slice(0, offset);
  return { line: before.split("\n").length, column: Array.from(before.slice(before.lastIndexOf("\n") + 1)).length + 1 };
}
