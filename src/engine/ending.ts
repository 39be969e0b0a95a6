import { type ErrorData, SampanError } from "../base/index.ts";
import type { RunResult } from "./guest.ts";
import type { Frame } from "./trap.ts";

/** How a command ended, as data. */
export type RunEnding =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "values"; readonly values: readonly string[] }
  | { readonly kind: "signal"; readonly signal: number }
  | {
      readonly kind: "trap";
      readonly message: string;
      readonly backtrace: readonly Frame[];
      /** The limit that it ran into, if that is what it was. */
      readonly code?: "LIMIT_STACK";
      /** What to try, where that can be seen. */
      readonly hint?: string | undefined;
      /** The number of the guest's thread that trapped, where that is not its first one. */
      readonly thread?: number;
    }
  /** A limit, or a module that cannot be run: an error of the catalog. */
  | { readonly kind: "error"; readonly error: ErrorData }
  | { readonly kind: "bug"; readonly stack: string };

/** A result of a command's entry as data. */
export function endingFrom(result: RunResult): RunEnding {
  switch (result.kind) {
    case "returned":
      return { kind: "exit", code: 0 };
    case "limit":
      return { kind: "error", error: result.error.toData() };
    case "bug":
      return endingOfError(result.error);
    case "exit":
    case "signal":
    case "trap":
      return result;
  }
}

/** An error as the ending of a run: one of the catalog, or a defect. */
export function endingOfError(error: unknown): RunEnding {
  if (error instanceof SampanError) return { kind: "error", error: error.toData() };
  return { kind: "bug", stack: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** Which thread of its guest trapped, in words that follow "trapped"; nothing for the first one. */
export function inThread({ thread }: { readonly thread?: number }): string {
  return thread === undefined ? "" : ` in thread ${thread}`;
}
