import { isatty } from "node:tty";

/** How output looks where it goes: its width, and what marks a heading. */
export interface Style {
  /** Letters in a line. */
  readonly width: number;
  /** A heading: bold where the output has colours. */
  readonly heading: (text: string) => string;
}

/** Output that is read by a program, or by somebody who wants no colours. */
export const plainStyle: Style = { width: 80, heading: (text) => text };

const widest = 100;
const narrowest = 40;

/** The style of this process's stdout: colours only on a terminal and without `NO_COLOR` (no-color.org). */
export function stdoutStyle(env: Readonly<Record<string, string | undefined>>): Style {
  if (!isatty(1)) return plainStyle;
  const width = Math.min(widest, Math.max(narrowest, process.stdout.columns || plainStyle.width));
  const isPlain = (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb";
  return { width, heading: isPlain ? plainStyle.heading : (text) => `\u001b[1m${text}\u001b[22m` };
}
